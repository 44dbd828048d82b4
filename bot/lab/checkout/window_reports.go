package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"time"
)

func init() {
	register(&reports{described: described{"reports", "Packs large reports for a few customers", healthy}})
}

var reportLines = [...]int{small: 20_000, medium: 60_000, large: 120_000}

type reports struct {
	described
	accountants crowd
}

func (p *reports) start(size) {
	p.accountants.Number, p.accountants.Path, p.accountants.Manner, p.accountants.Pause = 1, "/?report", asks, 200*time.Millisecond
	p.accountants.invited()
}

func (p *reports) free() { p.accountants.sendHome() }

func (*reports) during(w http.ResponseWriter, r *http.Request, s size) bool {
	if !r.URL.Query().Has("report") {
		return false
	}
	packed := gzip.NewWriter(w)
	writeReport(packed, reportLines[s])
	_ = packed.Close()
	return true
}

func writeReport(w io.Writer, lines int) {
	for n := range lines {
		fmt.Fprintf(w, "%08d;kettle;%d;EUR\n", n, 100+n%900)
	}
}
