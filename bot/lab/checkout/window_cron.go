package main

import (
	"sync"
	"time"
)

func init() {
	register(&cron{described: described{"cron", "Starts many short jobs at once, every two seconds", healthy}})
}

var cronJobs = [...]int{small: 100, medium: 300, large: 1_000}

const (
	cronEvery = 2 * time.Second
	cronJob   = 50 * time.Millisecond // of waiting, before a little work
)

type cron struct {
	described
	stop chan struct{}
	done sync.WaitGroup
}

func (c *cron) start(s size) {
	c.stop = make(chan struct{})
	c.done.Go(func() {
		for {
			for range cronJobs[s] {
				c.done.Go(runCronJob)
			}
			select {
			case <-c.stop:
				return
			case <-time.After(cronEvery):
			}
		}
	})
}

func (c *cron) free() {
	close(c.stop)
	c.done.Wait()
}

func runCronJob() {
	time.Sleep(cronJob)
	sign([]string{"cron"})
}
