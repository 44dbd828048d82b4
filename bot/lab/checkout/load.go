package main

import (
	"io"
	"log/slog"
	"net/http"
	"time"
)

// maxInFlight bounds the requests that wait for one target's answer.
const maxInFlight = 128

// sendLoad sends steady traffic to every target until the process ends.
func sendLoad(targets []string, perSecond int) {
	slog.Info("sending load", "targets", targets, "per_second", perSecond)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: maxInFlight}}
	for _, target := range targets {
		go loadTarget(client, target, perSecond)
	}
	select {}
}

// loadTarget keeps its pace while answers are slow, as customers do: what piles up shows.
func loadTarget(client *http.Client, target string, perSecond int) {
	places := make(chan struct{}, maxInFlight)
	for range time.Tick(time.Second / time.Duration(perSecond)) {
		select {
		case places <- struct{}{}:
			go func() {
				defer func() { <-places }()
				request(client, target+"/")
			}()
		default: // as many as it may have are on their way
		}
	}
}

// request does not report a failure: the target's own metrics and log do.
func request(client *http.Client, url string) {
	answer, err := client.Get(url)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
}
