package main

import (
	"sync"
	"time"
)

func init() {
	register(&parkedWorkers{described: described{"parked-workers", "Keeps thousands of workers who wait for jobs", healthy}})
}

var workers = [...]int{small: 800, medium: 4_000, large: 20_000}

const jobEvery = 50 * time.Millisecond

type parkedWorkers struct {
	described
	stop chan struct{}
	done sync.WaitGroup
}

func (p *parkedWorkers) start(s size) {
	p.stop = make(chan struct{})
	jobs := make(chan string)
	for range workers[s] {
		p.done.Go(func() { awaitJobs(jobs) })
	}
	p.done.Go(func() { giveJobs(jobs, p.stop) })
}

func (p *parkedWorkers) free() {
	close(p.stop)
	p.done.Wait()
}

func giveJobs(jobs chan<- string, stop <-chan struct{}) {
	defer close(jobs)
	for {
		select {
		case <-stop:
			return
		case <-time.After(jobEvery):
			jobs <- "parcel"
		}
	}
}

func awaitJobs(jobs <-chan string) {
	for job := range jobs {
		sign([]string{job})
	}
}
