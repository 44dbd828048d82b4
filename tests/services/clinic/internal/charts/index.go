// Package charts holds what is known of patients.
package charts

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// patient is one entry of the index, linked by name and by birthday.
type patient struct {
	name             *string
	byName, birthday *patient
	visits           []*visit
}

type visit struct {
	reason *string
	by     *patient
	bill   *[3]*string
}

const patientBytes = 240

// index builds the linked entries of so many megabytes.
func index(megabytes int) []*patient {
	all := make([]*patient, megabytes<<20/patientBytes)
	for i := range all {
		name := fmt.Sprint("patient ", i)
		one := &patient{name: &name}
		for range 2 {
			reason := name[:7]
			one.visits = append(one.visits, &visit{&reason, one, &[3]*string{&reason, &name, &reason}})
		}
		if i > 0 {
			one.byName, one.birthday = all[i-1], all[i/2]
		}
		all[i] = one
	}
	return all
}

// inSpace keeps an index with so much air above it as the memory limit leaves.
func inSpace(kept []*patient, air int64) (restore func()) {
	debug.FreeOSMemory()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	before := debug.SetMemoryLimit(int64(now.Sys-now.HeapReleased) + air)
	return func() {
		debug.SetMemoryLimit(before)
		runtime.KeepAlive(kept)
	}
}
