package depot

import (
	"time"

	"parcels.example/dispatcher/v2/couriers"
)

func (d *Depot) waitFaults() []Scenario {
	return []Scenario{
		{"faithful-watchers", "A watch goes on when its courier is out of coverage", "goroutine-leak", func(size Size) func() {
			rate := pick(size, 25, 100, 400)
			return together(
				returnMemory, d.endWatches, roll(&d.rollouts.forgetful, 1),
				d.crowd(couriers.Order{Do: "abandon", Method: "watch", Rate: rate, Crowd: 400}))
		}},
		{"first-estimate-wins", "Several estimators are asked, the first is taken", "goroutine-leak", func(size Size) func() {
			return together(returnMemory, d.races.settle, roll(&d.rollouts.estimators, pick[int64](size, 2, 6, 25)))
		}},
		{"patient-page", "The page waits for the carrier longer than its users' connections do", "timeout-mismatch", func(size Size) func() {
			return d.carrier.slow("rates", pick(size, 2500*time.Millisecond, 5*time.Second, 12*time.Second), pick(size, 0.6, 1, 1))
		}},
		{"late-quotes", "Quotes are waited for after the couriers have given up and ask again", "timeout-mismatch", func(size Size) func() {
			return together(
				d.carrier.slow("quotes", pick(size, 2*time.Second, 5*time.Second, 10*time.Second), 1),
				d.crowd(couriers.Order{
					Do: "call", Method: "quote", Rate: pick(size, 15, 40, 80), Crowd: pick(size, 100, 200, 400),
					Deadline: 500 * time.Millisecond, Tries: 3,
				}))
		}},
		{"rows-left-open", "The first fresh parcel is enough, the rest is not read", "pool-exhaustion", func(size Size) func() {
			return together(
				d.otherReaders(pick(size, 0, 0, 100)), d.open.close,
				d.carrier.slow("parcels", pick(size, 45*time.Millisecond, 0, 0), 1),
				roll(&d.rollouts.freshOnly, pick[int64](size, stockConns-1, stockConns, stockConns)))
		}},
		{"lost-printers", "A label that fails its proof keeps its printer", "pool-exhaustion", func(size Size) func() {
			lost := pick[int64](size, printers-1, printers, printers)
			roll(&d.rollouts.proofLabels, lost)
			stop := d.crowd(couriers.Order{Do: "call", Method: "print", Rate: pick(size, 40, 40, 200), Crowd: pick(size, 100, 400, 2000), Bytes: 121})
			return func() {
				stop()
				for range lost - d.rollouts.proofLabels.Swap(0) {
					<-d.printers
				}
			}
		}},
	}
}

// endWatches ends those that nobody waits for any more.
func (d *Depot) endWatches() {
	closing := make(chan struct{})
	close(*d.watching.Swap(&closing))
	d.board.forgetAll()
}

// otherReaders are batch jobs that need the database too.
func (d *Depot) otherReaders(n int) (stop func()) {
	return crew(n, func() {
		_, _ = d.parcelsOf(n, "parcels")
		time.Sleep(time.Second)
	})
}
