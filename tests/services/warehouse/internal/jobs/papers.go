package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"acme.example/warehouse/internal/api"
	"acme.example/warehouse/internal/store"
)

// Papers are what is printed: labels, manifests, reports.
type Papers struct {
	Desk  *api.Desk
	proof atomic.Uint32
	turn  sync.Mutex
}

// Sheet draws a sheet of labels and forgets it.
func (p *Papers) Sheet(context.Context) {
	sheet := image.NewRGBA(image.Rect(0, 0, 827, 583))
	for y := 0; y < 583; y += 53 {
		for x := range 827 {
			sheet.SetRGBA(x, y, color.RGBA{A: 255})
		}
	}
	p.proof.Store(crc32.ChecksumIEEE(bytes.Clone(sheet.Pix[:4096])))
}

// Manifest lists what is on a lorry, line after line.
func (p *Papers) Manifest(context.Context) {
	text := ""
	for line := range 400 {
		text += fmt.Sprintf("%04d %-20s %6.2f kg\n", line, anySKU(), 12.25)
	}
	p.proof.Store(uint32(len(text)))
}

// Report sorts and sums a day, in a few hundred thousand lines, and lays it aside.
func (p *Papers) Report(lines int) func(context.Context) {
	return func(context.Context) {
		items := make([]store.Item, 0, lines)
		for len(items) < lines {
			items = append(items, p.Desk.Shelves.Copy()...)
		}
		slices.SortFunc(items, func(a, b store.Item) int { return strings.Compare(b.SKU, a.SKU) })
		body, _ := json.Marshal(items[:lines/4])
		p.proof.Store(crc32.ChecksumIEEE(body))
	}
}

// InTurn works on one paper at a time: the plotter is one.
func (p *Papers) InTurn(takes time.Duration) func(context.Context) {
	return func(ctx context.Context) {
		p.turn.Lock()
		defer p.turn.Unlock()
		select {
		case <-time.After(takes):
		case <-ctx.Done():
		}
	}
}
