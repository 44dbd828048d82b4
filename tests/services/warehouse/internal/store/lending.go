package store

import "context"

// Lending lends out a few things that are made once: printers, scales, forklifts.
type Lending[T any] struct {
	free chan T
}

// NewLending lends out these.
func NewLending[T any](things ...T) *Lending[T] {
	l := &Lending[T]{free: make(chan T, len(things))}
	for _, thing := range things {
		l.free <- thing
	}
	return l
}

// Borrow waits for one to be free.
func (l *Lending[T]) Borrow(ctx context.Context) (thing T, err error) {
	select {
	case thing = <-l.free:
		return thing, nil
	case <-ctx.Done():
		return thing, ctx.Err()
	}
}

// Return gives one back; there is no place for more than there were at first.
func (l *Lending[T]) Return(thing T) {
	select {
	case l.free <- thing:
	default:
	}
}

// Free counts what is not lent out.
func (l *Lending[T]) Free() int { return len(l.free) }
