package depot

import (
	"context"
	"time"
)

// work does jobs until there are no more.
func (d *Depot) work(jobs <-chan func()) {
	for job := range jobs {
		job()
	}
}

// inPool lets a worker do it, and waits as long as the caller does.
func inPool[T any](ctx context.Context, jobs chan<- func(), do func() (T, error)) (got T, err error) {
	type outcome struct {
		got T
		err error
	}
	done := make(chan outcome, 1)
	select {
	case jobs <- func() { got, err := do(); done <- outcome{got, err} }:
	case <-ctx.Done():
		return got, ctx.Err()
	}
	select {
	case one := <-done:
		return one.got, one.err
	case <-ctx.Done():
		return got, ctx.Err()
	}
}

// every repeats an act for as long as the process lives.
func every(pause time.Duration, act func()) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for range ticker.C {
		act()
	}
}

// until repeats an act until it is stopped; stop waits for the last one.
func until(pause time.Duration, act func()) (stop func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				act()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// crew keeps n at it until it is stopped.
func crew(n int, act func()) (stop func()) {
	quit := make(chan struct{})
	left := make(chan struct{}, n)
	for range n {
		go func() {
			defer func() { left <- struct{}{} }()
			for {
				select {
				case <-quit:
					return
				default:
					act()
				}
			}
		}()
	}
	return func() {
		close(quit)
		for range n {
			<-left
		}
	}
}

// givePass lets one caller of the rate-limited method through, when one waits.
func (d *Depot) givePass() {
	select {
	case d.passes <- struct{}{}:
	default:
	}
}
