package depot

import (
	"bytes"
	"strconv"
	"sync"
	"time"
)

// board tells events to all who joined; who is slow misses some, unless none may be lost.
type board struct {
	mu       sync.Mutex
	joined   map[chan []byte]chan struct{}
	awaiting map[chan []byte]struct{}
	count    int
}

func newBoard() *board {
	return &board{joined: map[chan []byte]chan struct{}{}, awaiting: map[chan []byte]struct{}{}}
}

func (b *board) join() (events <-chan []byte, leave func()) {
	to, left := make(chan []byte, 8), make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.joined[to] = left
	return to, func() {
		close(left)
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.joined, to)
	}
}

// announce is one event to everybody.
func (b *board) announce(r *rollouts) func() {
	return func() {
		b.mu.Lock()
		b.count++
		event := strconv.AppendInt([]byte("parcel moved "), int64(b.count), 10)
		audience := make(map[chan []byte]chan struct{}, len(b.joined))
		for to, left := range b.joined {
			audience[to] = left
		}
		b.mu.Unlock()
		for to, left := range audience {
			tell(to, left, append(event, '\n'), r.reliableFeed.Load() != 0)
		}
	}
}

func tell(to chan<- []byte, left <-chan struct{}, event []byte, surely bool) {
	if surely {
		select {
		case to <- event:
		case <-left:
		}
		return
	}
	select {
	case to <- event:
	default:
	}
}

func (b *board) await() chan []byte {
	delivered := make(chan []byte)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.awaiting[delivered] = struct{}{}
	return delivered
}

func (b *board) giveUp(delivered chan []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.awaiting, delivered)
}

// forgetAll ends all watches.
func (b *board) forgetAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.awaiting)
}

const pictureBytes = 4 << 20

// sendPicture draws where every parcel is, for this one reader, and sends it in parts.
func (d *Depot) sendPicture(send func([]byte) error) error {
	var picture bytes.Buffer
	picture.Grow(pictureBytes)
	drawn := time.Now().Format(time.RFC3339)
	for i := 0; picture.Len() < pictureBytes-128; i++ {
		line := strconv.AppendInt(append(picture.AvailableBuffer(), `{"parcel":`...), int64(i), 10)
		line = append(append(append(line, `,"at":"`...), drawn...), "\"}\n"...)
		picture.Write(line)
	}
	for part := range chunks(picture.Bytes(), 32<<10) {
		if err := send(part); err != nil {
			return err
		}
	}
	return nil
}

func chunks(all []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(all) > 0 {
			n := min(size, len(all))
			if !yield(all[:n]) {
				return
			}
			all = all[n:]
		}
	}
}
