package vitals

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"clinic/internal/house"
	"clinic/internal/outside"

	"lantern.test/lantern"
)

// Switches are situations of the vitals.
func Switches() []house.Switch {
	return []house.Switch{
		{"waveforms", "Each sample copies the whole waveform before it", "alloc-churn", waveforms},
		{"bedside-monitors", "A monitor is set up for each admission and never taken down", "goroutine-leak", bedside},
		{"second-opinions", "Whoever listens to opinions is never told that all were given", "goroutine-leak", opinions},
		{"waiting-lounge", "Two sit down in the lounge, and only one is called", "goroutine-leak", lounges},
		{"frozen-monitors", "Monitors on upgraded connections have stopped reading", "stalled-readers", crowd("deaf", "/monitors", 20, 80, 300)},
		{"scans-on-tablets", "Tablets went to sleep while they downloaded scans", "stalled-readers", crowd("deaf", "/scans/1", 20, 80, 300)},
		{"scans-at-home", "Scans are downloaded over slow lines", "", slowLines},
		{"day-sessions", "Hundreds of sessions come and go", "", sessions},
	}
}

func crowd(kind, path string, small, medium, large int) func(*house.House, house.Size) (func(), error) {
	return func(h *house.House, size house.Size) (func(), error) {
		return h.Invite(kind+path, outside.Crowd{Kind: kind, At: h.URL + path, Count: house.Of(size, small, medium, large)})
	}
}

func slowLines(h *house.House, size house.Size) (func(), error) {
	return h.Invite("slow", outside.Crowd{Kind: "readers", At: h.URL + "/scans/1", Count: house.Of(size, 4, 8, 16), Pause: 50})
}

// Streams adds the routes of screens and scans.
func Streams(h *house.House) {
	h.App.Stream("GET /monitors", follow)
	h.App.Stream("GET /scans/{number}", func(c *lantern.Call) error {
		slice := make([]byte, 256<<10)
		c.ResponseWriter.Header().Set("Content-Length", fmt.Sprint(len(slice)*256))
		for range 256 {
			if _, err := c.ResponseWriter.Write(slice); err != nil {
				return nil
			}
		}
		return nil
	})
}

// follow sends a patient's curve on a connection that is no longer HTTP.
func follow(c *lantern.Call) error {
	if c.Request.Header.Get("Upgrade") != "vitals" {
		return lantern.Status(http.StatusUpgradeRequired)
	}
	conn, out, err := http.NewResponseController(c.ResponseWriter).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(64 << 10)
	}
	fmt.Fprint(out, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: vitals\r\n\r\n")
	for curve := make([]byte, 32<<10); ; time.Sleep(50 * time.Millisecond) {
		if _, err := out.Write(curve); err != nil {
			return nil
		}
	}
}

// waveform is what a sensor has sent.
type waveform []float64

// with gives the waveform and one sample more.
func (w waveform) with(sample float64) waveform {
	return append(slices.Clone(w[1:]), sample)
}

func waveforms(_ *house.House, size house.Size) (func(), error) {
	samples := house.Of(size, 1, 2, 4) << 20 / 8
	return house.Employ(1, func(ctx context.Context) {
		curve := make(waveform, samples)
		house.Paced(5*time.Millisecond, func(context.Context) { curve = curve.with(curve[0] + 1) })(ctx)
	}), nil
}

// sessions keeps a number of people inside, each for a few seconds.
func sessions(_ *house.House, size house.Size) (func(), error) {
	return house.Employ(house.Of(size, 100, 300, 800), house.Again(0, func(ctx context.Context) {
		var one sync.WaitGroup
		one.Go(func() { house.Rest(ctx, 5*time.Second) })
		one.Wait()
	})), nil
}
