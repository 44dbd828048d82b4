package depot

import (
	"log/slog"
	"syscall"
	"time"

	"parcels.example/dispatcher/v2/couriers"
)

func (d *Depot) socketFaults() []Scenario {
	return []Scenario{
		{"frozen-screens", "Depot screens froze while they show the track stream", "stalled-readers", func(size Size) func() {
			return together(returnMemory, d.crowd(couriers.Order{Do: "hang", Method: "/track/stream", Crowd: pick(size, 25, 80, 200)}))
		}},
		{"deaf-feeds", "Scanners subscribe to the feed and do not read it, and no event may be lost", "stalled-readers", func(size Size) func() {
			return together(
				returnMemory, roll(&d.rollouts.reliableFeed, 1),
				d.crowd(couriers.Order{Do: "deaf", Method: "feed", Crowd: pick(size, 20, 60, 160)}))
		}},
		{"quotes-ahead", "Quotes are asked ahead for their status, their bodies stay unread", "socket-exhaustion", func(size Size) func() {
			return together(d.carrier.closeUnread, limitFiles(1024), roll(&d.rollouts.eagerQuotes, pick[int64](size, 2, 4, 10)))
		}},
		{"sorter-by-parcel", "The sorter is called over a new connection for each parcel", "socket-exhaustion", func(size Size) func() {
			each := pick(size, 10, 20, 40)
			return together(
				roll(&d.rollouts.laneOnPage, 1),
				until(20*time.Millisecond, func() {
					for i := range each {
						d.sortLater(byte(i))
					}
				}))
		}},
	}
}

// sortLater leaves one parcel to the workers, unless they have enough to do.
func (d *Depot) sortLater(barcode byte) {
	select {
	case d.jobs <- func() {
		if _, err := d.sort([8]byte{barcode}); err != nil {
			slog.Debug("the sorter cannot be asked", "error", err)
		}
	}:
	default:
	}
}

// limitFiles lowers the soft limit of descriptors, as on the hosts of the old image.
func limitFiles(soft uint64) (back func()) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		slog.Error("no limit of files", "error", err)
		return func() {}
	}
	_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: min(soft, before.Max), Max: before.Max})
	return func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) }
}
