package depot

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// answerWithin is how long a user's connection takes the answer of a page.
const answerWithin = 2 * time.Second

// Pages is what users see.
func (d *Depot) Pages() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", d.home())
	pages.HandleFunc("GET /track/stream", d.trackStream())
	pages.HandleFunc("GET /poll", d.poll())
	pages.HandleFunc("GET /health/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	return pages
}

// home says what goes next from a zone, what that costs and when it is there.
func (d *Depot) home() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerWithin))
		zone := rand.IntN(zones)
		parcels, err := inPool(r.Context(), d.jobs, func() ([]parcel, error) { return d.nextFrom(zone) })
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		cents, err := d.carrier.rate()
		if err == nil && d.rollouts.laneOnPage.Load() != 0 {
			_, err = d.sort([8]byte{byte(zone)})
		}
		if err == nil {
			err = d.carrier.quoteAhead(int(d.rollouts.eagerQuotes.Load()))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"zone":    zone,
			"route":   d.routes.of(zone, time.Duration(d.rollouts.touchRoutes.Load())*time.Microsecond),
			"parcels": parcels,
			"cents":   cents,
			"minutes": d.races.firstEstimate(int(d.rollouts.estimators.Load())),
			"scanned": d.manifest.total(),
			"label":   len(label(parcels, int(d.rollouts.labelLines.Load()))),
		})
	}
}

// trackStream sends the whole picture of each depot, then each event, for as long as the user looks.
func (d *Depot) trackStream() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		events, leave := d.board.join()
		defer leave()
		send := func(part []byte) error {
			_, err := w.Write(part)
			return err
		}
		depots, _ := strconv.Atoi(r.FormValue("depots"))
		for range max(1, depots) {
			if d.sendPicture(send) != nil {
				return
			}
		}
		for {
			select {
			case one := <-events:
				if send(one) != nil || http.NewResponseController(w).Flush() != nil {
					return
				}
			case <-r.Context().Done():
				return
			}
		}
	}
}

// poll answers with the next change of a parcel, or after a while that there was none.
func (d *Depot) poll() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(25 * time.Second):
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	}
}
