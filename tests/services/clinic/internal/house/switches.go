package house

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Size is how far a situation goes: 0 small, 1 medium, 2 large.
type Size int

// Sized gives a size by its word; no word is medium.
func Sized(word string) (Size, error) {
	size, ok := map[string]Size{"small": 0, "": 1, "medium": 1, "large": 2}[word]
	if !ok {
		return 0, fmt.Errorf("no such size: %q", word)
	}
	return size, nil
}

// Of chooses by size.
func Of[T any](size Size, small, medium, large T) T { return [...]T{small, medium, large}[size] }

// Switch is a situation that can be brought about, and ended by what On gives.
type Switch struct {
	Name  string
	Title string
	Class string
	On    func(*House, Size) (off func(), err error)
}

// Employ has so many do their work until they are sent home; that waits for the last of them.
func Employ(count int, work func(context.Context)) (dismiss func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	for range count {
		busy.Go(func() { work(ctx) })
	}
	return func() {
		cancel()
		busy.Wait()
	}
}

// Again does something over and over, with a rest after each.
func Again(rest time.Duration, do func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		for ctx.Err() == nil {
			do(ctx)
			Rest(ctx, rest)
		}
	}
}

// Paced does something at each tick of a clock.
func Paced(every time.Duration, do func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do(ctx)
			}
		}
	}
}

// Rest waits, unless it is over.
func Rest(ctx context.Context, rest time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(rest):
	}
}

// All ends several things, the last one first.
func All(offs ...func()) func() {
	return func() {
		for i := len(offs) - 1; i >= 0; i-- {
			offs[i]()
		}
	}
}
