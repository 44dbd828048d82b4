package ops

import (
	"time"

	"acme.example/warehouse/internal/api"
	"acme.example/warehouse/internal/crowd"
	"acme.example/warehouse/internal/jobs"
)

// leash is the longest that a crowd which leaves something behind with every visit may come.
const leash = 90 * time.Second

// Hall is a whole warehouse with the people at its doors.
type Hall struct {
	Desk    *api.Desk
	Gateway *api.Gateway
	Stock   jobs.Stock
	Papers  *jobs.Papers
	Prices  *jobs.Prices
	URL     string
}

// NewHall puts the jobs beside a desk.
func NewHall(desk *api.Desk, gateway *api.Gateway, url string) *Hall {
	return &Hall{
		Desk: desk, Gateway: gateway, URL: url, Stock: jobs.Stock{Desk: desk}, Papers: &jobs.Papers{Desk: desk},
		Prices: &jobs.Prices{Supplier: desk.Supplier},
	}
}

// visited has a crowd come to one of our pages.
func (h *Hall) visited(kind, path string, count, rate int) (func(), error) {
	return crowd.Send(crowd.Plan{Kind: kind, URL: h.URL + path, Count: count, Rate: rate})
}

// crowdOf is a situation that is nothing but a crowd.
func crowdOf(kind, path string, numbers func(Size) (count, rate int)) func(*Hall, Size) (func(), error) {
	return func(h *Hall, size Size) (func(), error) {
		count, rate := numbers(size)
		return h.visited(kind, path, count, rate)
	}
}

// thenEnd adds what is put right once a crowd has gone.
func thenEnd(end func(), err error, after func()) (func(), error) {
	if err != nil {
		return nil, err
	}
	return func() {
		end()
		after()
	}, nil
}

// leashed ends a crowd by itself after a while.
func leashed(end func(), err error) (func(), error) {
	if err != nil {
		return nil, err
	}
	gone := make(chan struct{})
	timer := time.AfterFunc(leash, func() {
		end()
		close(gone)
	})
	return func() {
		if timer.Stop() {
			end()
			return
		}
		<-gone
	}, nil
}
