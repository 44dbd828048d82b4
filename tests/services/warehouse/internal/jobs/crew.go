// Package jobs is what the warehouse does while nobody asks.
package jobs

import (
	"context"
	"sync"
	"time"
)

// Crew has workers do the same until they are told to stop; what it gives stops them and waits.
func Crew(workers int, work func(ctx context.Context)) func() {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { work(ctx) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// Busy repeats a task without a pause.
func Busy(workers int, task func(ctx context.Context)) func() {
	return Crew(workers, func(ctx context.Context) {
		for ctx.Err() == nil {
			task(ctx)
		}
	})
}

// Every repeats a task at an interval; what takes longer than that loses turns.
func Every(interval time.Duration, workers int, task func(ctx context.Context)) func() {
	return Crew(workers, func(ctx context.Context) {
		turns := time.NewTicker(interval)
		defer turns.Stop()
		for {
			select {
			case <-turns.C:
				task(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
}
