package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"acme.example/warehouse/internal/store"
)

// Packing looks for the best order to pack boxes on a pallet.
type Packing struct {
	boxes []int
	best  int
}

// NewPacking has some boxes to pack.
func NewPacking(boxes int) *Packing {
	p := &Packing{best: 1 << 30}
	for range boxes {
		p.boxes = append(p.boxes, 20+rand.IntN(60))
	}
	return p
}

// Search tries every order there is.
func (p *Packing) Search(ctx context.Context) {
	p.place(ctx, 0)
}

func (p *Packing) place(ctx context.Context, from int) {
	if from == len(p.boxes) {
		p.best = min(p.best, p.height())
		return
	}
	for i := from; i < len(p.boxes); i++ {
		p.boxes[from], p.boxes[i] = p.boxes[i], p.boxes[from]
		p.place(ctx, from+1)
		p.boxes[from], p.boxes[i] = p.boxes[i], p.boxes[from]
		if from < 3 && ctx.Err() != nil {
			return
		}
	}
}

// height is what a pallet of layers 120 wide comes to.
func (p *Packing) height() int {
	height, width, tallest := 0, 0, 0
	for _, box := range p.boxes {
		if width += box; width > 120 {
			height, width, tallest = height+tallest, box, 0
		}
		tallest = max(tallest, box)
	}
	return height + tallest
}

// Import takes in what other warehouses say about their pallets.
type Import struct {
	index *store.PalletIndex
	batch []byte
	size  int
}

// NewImport matches batches against the pallets that are known.
func NewImport(known, batch int) *Import {
	rows := make([]map[string]any, 0, batch)
	for i := range batch {
		rows = append(rows, map[string]any{"pallet": i*7 + 1, "from": "hall-4", "weight": 12.5, "notes": []string{"dry", "top"}})
	}
	body, _ := json.Marshal(rows)
	return &Import{index: store.BuildPalletIndex(known), batch: body, size: batch}
}

// Take decodes one batch and looks every pallet up.
func (i *Import) Take(context.Context) {
	var rows []map[string]any
	if json.Unmarshal(i.batch, &rows) != nil {
		return
	}
	labels := make([]string, 0, len(rows))
	for _, row := range rows {
		number, _ := row["pallet"].(float64)
		if node := i.index.Find(int(number)); node != nil {
			labels = append(labels, fmt.Sprint(node.Label, row["weight"]))
		}
	}
	last = labels
}

// last keeps the newest batch in sight.
var last []string

// NewPackings gives a task that packs one pallet after the other.
func NewPackings(boxes int) func(context.Context) {
	return func(ctx context.Context) {
		for ctx.Err() == nil {
			NewPacking(boxes).Search(ctx)
		}
	}
}
