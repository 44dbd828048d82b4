package main

import (
	"context"
	"fmt"
	"time"
)

// priceLatency is how long the price service takes to answer.
const priceLatency = time.Millisecond

// total adds up the prices of a basket in cents.
func total(ctx context.Context, basket []string) (int, error) {
	cents := 0
	for _, item := range basket {
		one, err := price(ctx, item)
		if err != nil {
			return 0, fmt.Errorf("price of %q: %w", item, err)
		}
		cents += one
	}
	return cents, nil
}

// price asks the price service for one item; ctx bounds the wait.
func price(ctx context.Context, item string) (int, error) {
	select {
	case <-time.After(priceLatency):
		return 100 * (1 + len(item)), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
