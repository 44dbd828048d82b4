package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"
)

// stockURL is where the stock service is asked whether it is there; nobody is asked where it is empty.
var stockURL = os.Getenv("CHECKOUT_STOCK")

// stockClient waits longer for stock than those wait who ask whether this process is alive.
var stockClient = &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// waitForPrices takes as long as CHECKOUT_START says, as a service does that loads its prices before it listens.
func waitForPrices() {
	if takes, err := time.ParseDuration(os.Getenv("CHECKOUT_START")); err == nil {
		time.Sleep(takes)
	}
}

// answerHealth makes the mistake that a drill shows: whether this process lives depends on another one.
func answerHealth(status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := pingStock(r.Context()); err != nil {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "down", "error": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"status": status})
	}
}

func pingStock(ctx context.Context) error {
	if stockURL == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, stockURL, nil)
	if err != nil {
		return err
	}
	response, err := stockClient.Do(request)
	if err != nil {
		return fmt.Errorf("stock: %w", err)
	}
	return response.Body.Close()
}
