package reception

import (
	"context"
	"net/http"
	"time"

	"clinic/internal/house"
	"clinic/internal/outside"

	"lantern.test/lantern"
)

// Switches are situations of people who come.
func Switches() []house.Switch {
	return []house.Switch{
		{"open-house", "Many more visitors than usual", "", people("visitors", "/", 0, 0, 0, 30, 60, 120)},
		{"passers-by", "Visitors who open a connection for one page", "", people("strangers", "/", 0, 0, 0, 15, 30, 60)},
		{"idle-tablets", "Tablets that keep their connections and ask nothing", "",
			people("guests", "/health/ready", 100, 300, 600, 0, 0, 0)},
		{"awaited-results", "People who wait for a result in long polls", "", people("readers", "/results/7", 50, 150, 400, 0, 0, 0)},
		{"hall-screens", "Screens that read every event at once", "", people("readers", "/screens", 20, 60, 150, 0, 0, 0)},
		{"front-door", "A limiter lets visits wait a moment", "", frontDoor},
		{"flu-campaign", "Each visit asks a dozen partners at the same time", "", campaign},
		{"slow-insurer", "An insurer takes half a second for what nobody waits for", "", insurer},
	}
}

func people(kind, path string, small, medium, large, smallRate, mediumRate, largeRate int) func(*house.House, house.Size) (func(), error) {
	return func(h *house.House, size house.Size) (func(), error) {
		return h.Invite(kind+path, outside.Crowd{
			Kind: kind, At: h.URL + path,
			Count: house.Of(size, small, medium, large), Rate: house.Of(size, smallRate, mediumRate, largeRate),
		})
	}
}

// frontDoor lets one in every few milliseconds.
func frontDoor(h *house.House, size house.Size) (func(), error) {
	gap := house.Of[time.Duration](size, 10, 15, 20) * time.Millisecond
	turns := make(chan struct{})
	dismiss := house.Employ(1, house.Paced(gap, func(ctx context.Context) {
		select {
		case turns <- struct{}{}:
		case <-time.After(gap):
		case <-ctx.Done():
		}
	}))
	remove := h.EachVisit(func(ctx context.Context, _ house.Visit) error {
		select {
		case <-turns:
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
		return nil
	})
	return house.All(dismiss, remove), nil
}

func campaign(h *house.House, size house.Size) (func(), error) {
	partners := house.Of(size, 4, 8, 16)
	return h.EachVisit(func(ctx context.Context, _ house.Visit) error {
		answers := make(chan error, partners)
		for range partners {
			go func() {
				_, err := h.Partner(ctx, "vaccines", 5*time.Millisecond, 0)
				answers <- err
			}()
		}
		for range partners {
			if err := <-answers; err != nil {
				return err
			}
		}
		return nil
	}), nil
}

func insurer(h *house.House, size house.Size) (func(), error) {
	return house.Employ(house.Of(size, 10, 30, 60), house.Again(50*time.Millisecond, func(ctx context.Context) {
		h.Partner(ctx, "insurer", 500*time.Millisecond, 0)
	})), nil
}

// Streams adds the routes on which users stay for a while.
func Streams(h *house.House) {
	h.App.Stream("GET /results/{number}", func(c *lantern.Call) error {
		house.Rest(c.Context(), 2*time.Second)
		c.WriteHeader(http.StatusNoContent)
		return nil
	})
	h.App.Stream("GET /screens", func(c *lantern.Call) error {
		c.ResponseWriter.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(c.ResponseWriter)
		for c.Context().Err() == nil {
			if _, err := c.ResponseWriter.Write([]byte("data: next please\n\n")); err != nil {
				return nil
			}
			if out.Flush() != nil {
				return nil
			}
			house.Rest(c.Context(), time.Second)
		}
		return nil
	})
}
