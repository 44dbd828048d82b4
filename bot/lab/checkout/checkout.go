package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

// signingRounds makes a signature cost about a tenth of a millisecond.
const signingRounds = 1000

// shippingCents is what a parcel costs.
const shippingCents = 490

// An order is a priced and signed basket.
type order struct {
	Items     []string `json:"items"`
	Cents     int      `json:"cents"`
	Currency  string   `json:"currency"`
	Signature string   `json:"signature"`
	PricedAt  string   `json:"priced_at"`
}

// checkout prices the customer's basket while its prices are watched.
func checkout(w http.ResponseWriter, r *http.Request) {
	basket := basketOf(r)
	watch := watchBasket()
	defer watch.stop()
	cents, err := total(r.Context(), basket)
	if err != nil {
		writeJSON(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, order{
		Items:     basket,
		Cents:     cents + shippingCents,
		Currency:  "EUR",
		Signature: sign(basket),
		PricedAt:  time.Now().UTC().Format(time.RFC3339Nano),
	})
}

// basketOf reads the basket: `/?item=tea&item=cup`, or what most customers buy.
func basketOf(r *http.Request) []string {
	if items := r.URL.Query()["item"]; len(items) > 0 {
		return items
	}
	return []string{"tea", "cup", "kettle"}
}

// sign stretches a hash over the basket, so that a client cannot change it later.
func sign(basket []string) string {
	var sum [sha256.Size]byte
	for range signingRounds {
		hash := sha256.New()
		hash.Write(sum[:])
		for _, item := range basket {
			hash.Write([]byte(item))
		}
		hash.Sum(sum[:0])
	}
	return hex.EncodeToString(sum[:])
}
