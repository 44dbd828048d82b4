package main

import (
	"io"
	"net/http"
	"time"
)

// atOnce bounds the requests that wait for one target's answer.
const atOnce = 128

// sendLoad keeps its pace while answers are slow, as people do.
func sendLoad(targets []string, perSecond int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	for _, target := range targets {
		go func() {
			places := make(chan struct{}, atOnce)
			for range time.Tick(time.Second / time.Duration(perSecond)) {
				select {
				case places <- struct{}{}:
					go func() {
						defer func() { <-places }()
						visit(client, target)
					}()
				default:
				}
			}
		}()
	}
	select {}
}

func visit(client *http.Client, target string) {
	answer, err := client.Get(target + "/")
	if err != nil {
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
}
