// Package pharmacy checks what is prescribed.
package pharmacy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"clinic/internal/house"
)

// Switches are situations of the pharmacy.
func Switches() []house.Switch {
	return []house.Switch{
		{"interaction-table", "Every visit compares each three medicines of the list", "cpu-hotspot", interactions},
		{"sealed-prescriptions", "The seals of the whole archive are verified without a rest", "cpu-hotspot", seals},
		{"dose-table", "Every visit reads the tables of doses, a map for each line", "alloc-churn", doses},
		{"stock-count", "The stock is counted for the month's end", "", count},
		{"hourly-orders", "Two hundred orders leave at the same moment", "", orders},
	}
}

// medicine is what a substance does to others, as weights.
type medicine struct{ raises, lowers, clears uint32 }

type list []medicine

func newList(length int) list {
	all := make(list, length)
	for i := range all {
		all[i] = medicine{uint32(i * 31), uint32(i * 17), uint32(i * 7)}
	}
	return all
}

// conflicts counts the threes that should not be taken together, as long as somebody waits for it.
func (l list) conflicts(ctx context.Context) (found int) {
	for i, a := range l {
		if ctx.Err() != nil {
			return found
		}
		for j, b := range l[:i] {
			for _, c := range l[:j] {
				if (a.raises^b.lowers)*c.clears%1013 == 7 {
					found++
				}
			}
		}
	}
	return found
}

func interactions(h *house.House, size house.Size) (func(), error) {
	all := newList(house.Of(size, 640, 800, 1000))
	return h.EachVisit(func(ctx context.Context, _ house.Visit) error {
		all.conflicts(ctx)
		return ctx.Err()
	}), nil
}

type prescription struct {
	text string
	seal [sha256.Size]byte
}

const sealRounds = 2000

// verify derives the seal again.
func (p *prescription) verify() bool {
	seal := sha256.Sum256([]byte(p.text))
	for range sealRounds {
		seal = sha256.Sum256(seal[:])
	}
	return seal == p.seal
}

func seals(_ *house.House, size house.Size) (func(), error) {
	archive := make([]prescription, 100)
	for i := range archive {
		archive[i].text = fmt.Sprint("prescription ", i)
	}
	return house.Employ(house.Of(size, 1, 2, 4), func(ctx context.Context) {
		for place := 0; ctx.Err() == nil; place++ {
			archive[place%len(archive)].verify()
		}
	}), nil
}

const doseLine = "amoxicillin;tablet;500 mg;three times a day;7 days;with water"

var doseFields = []string{"substance", "form", "dose", "times", "days", "with"}

// parse gives the fields of a line by their names.
func parse(line string) map[string]string {
	fields := make(map[string]string, len(doseFields))
	for i, field := range strings.Split(line, ";") {
		fields[doseFields[i]] = field
	}
	return fields
}

// rows reads a page of the table.
func rows(table string) (all []map[string]string) {
	for line := range strings.Lines(table) {
		all = append(all, parse(strings.TrimSpace(line)))
	}
	return all
}

func doses(h *house.House, size house.Size) (func(), error) {
	table, pages := strings.Repeat(doseLine+"\n", 2000), house.Of(size, 8, 18, 35)
	return h.EachVisit(func(ctx context.Context, _ house.Visit) error {
		for range pages {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			for _, row := range rows(table) {
				if row["form"] != "tablet" {
					return fmt.Errorf("not a tablet: %v", row)
				}
			}
		}
		return nil
	}), nil
}

func count(_ *house.House, size house.Size) (func(), error) {
	shelf := newList(house.Of(size, 160, 200, 240))
	return house.Employ(1, house.Again(20*time.Millisecond, func(ctx context.Context) { shelf.conflicts(ctx) })), nil
}

func orders(h *house.House, size house.Size) (func(), error) {
	burst := house.Of(size, 50, 100, 200)
	return house.Employ(1, house.Again(5*time.Second, func(ctx context.Context) {
		house.Employ(burst, func(context.Context) { h.Partner(ctx, "wholesaler", 300*time.Millisecond, 0) })()
	})), nil
}
