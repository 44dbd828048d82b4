package main

import (
	"context"
	"fmt"
	"time"
)

// priceLatency is how long the price service takes to answer.
const priceLatency = 300 * time.Microsecond

// total adds up the prices of a basket in cents.
func total(ctx context.Context, basket []string) (int, error) {
	prices, err := price(ctx, basket)
	if err != nil {
		return 0, fmt.Errorf("prices of %q: %w", basket, err)
	}
	cents := 0
	for _, item := range basket {
		cents += prices[item]
	}
	return cents, nil
}

// price asks the price service for items; ctx bounds the wait.
func price(ctx context.Context, items []string) (map[string]int, error) {
	select {
	case <-time.After(priceLatency):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	prices := make(map[string]int, len(items))
	for _, item := range items {
		prices[item] = 100 * (1 + len(item))
	}
	return prices, nil
}
