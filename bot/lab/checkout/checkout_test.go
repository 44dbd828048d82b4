package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCheckoutPricesABasket(t *testing.T) {
	answer := httptest.NewRecorder()
	checkout(answer, httptest.NewRequest(http.MethodGet, "/?item=tea&item=cup", nil))

	var got order
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := 400 + 400 + shippingCents; got.Cents != want {
		t.Errorf("cents = %d, want %d", got.Cents, want)
	}
}

func TestEveryFaultCanBeSwitchedTwice(t *testing.T) {
	faults := newSwitches(allFaults)
	for _, known := range faults.list() {
		for _, on := range []bool{true, true, false, false} {
			if state, ok := faults.turn(known.Name, on, small, onFor); !ok || state.On != on {
				t.Errorf("turn(%q, %t) = %+v, %t", known.Name, on, state, ok)
			}
		}
	}
}

func TestOperatorsSeeEveryFaultSwitchedOff(t *testing.T) {
	answer := httptest.NewRecorder()
	adminHandler(newRequestMetrics(), newSwitches(allFaults)).ServeHTTP(
		answer, httptest.NewRequest(http.MethodGet, "/debug/faults", nil))

	var states []faultState
	if err := json.Unmarshal(answer.Body.Bytes(), &states); err != nil {
		t.Fatal(err)
	}
	if len(states) != len(allFaults) {
		t.Errorf("%d faults are listed, want %d", len(states), len(allFaults))
	}
	for _, state := range states {
		if state.On || state.Title == "" {
			t.Errorf("%+v is on or has no title", state)
		}
	}
}
