package depot

import (
	"context"
	"errors"
	"hash/crc32"
	"strconv"
	"time"

	"parcels.example/dispatcher/v2/wire"
)

func (d *Depot) handlers() map[string]wire.Handler {
	return map[string]wire.Handler{
		"scan":  d.scan(),
		"route": unary(func(context.Context, []byte) ([]byte, error) { return d.route() }),
		"quote": unary(func(context.Context, []byte) ([]byte, error) { return d.carrier.quote() }),
		"claim": unary(func(ctx context.Context, _ []byte) ([]byte, error) { return d.carrier.claim(ctx) }),
		"resolve": unary(func(_ context.Context, body []byte) ([]byte, error) {
			return []byte(closest(string(body), d.streets)), nil
		}),
		"search": unary(func(context.Context, []byte) ([]byte, error) { return d.index.Load().search(), nil }),
		"book":   unary(func(context.Context, []byte) ([]byte, error) { return nil, d.book() }),
		"print":  unary(func(_ context.Context, body []byte) ([]byte, error) { return d.printLabel(body) }),
		"track":  unary(d.track),
		"watch":  d.watch(),
		"feed":   d.feed(),
	}
}

// unary makes a handler of a function with one answer.
func unary(answer func(context.Context, []byte) ([]byte, error)) wire.Handler {
	return func(ctx context.Context, body []byte, send func([]byte) error) error {
		got, err := answer(ctx, body)
		if err != nil {
			return err
		}
		return send(got)
	}
}

// frameBuffer gives the memory for an incoming frame.
func (d *Depot) frameBuffer() func(int) []byte {
	return func(n int) []byte {
		if d.rollouts.fullFrames.Load() != 0 {
			return make([]byte, wire.MaxFrame)[:n]
		}
		return wire.Exact(n)
	}
}

var errDamaged = errors.New("the barcode is damaged")

// scan takes a parcel into the manifest of its courier.
func (d *Depot) scan() wire.Handler {
	return func(_ context.Context, body []byte, send func([]byte) error) error {
		if kept := d.rollouts.keepScans.Load(); kept != 0 {
			d.seen.remember(body, kept)
		}
		if err := d.manifest.add(body, d.rollouts.strictScans.Load() != 0); err != nil {
			return err
		}
		sum := crc32.ChecksumIEEE(body)
		return send(strconv.AppendUint(nil, uint64(sum), 16))
	}
}

func (d *Depot) route() ([]byte, error) {
	cost := time.Duration(d.rollouts.touchRoutes.Load()) * time.Microsecond
	return []byte(d.routes.of(3, cost)), nil
}

// track is limited to 200 a second; who comes early waits.
func (d *Depot) track(ctx context.Context, _ []byte) ([]byte, error) {
	select {
	case <-d.passes:
		return []byte("on its way"), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// watch tells when a parcel is delivered.
func (d *Depot) watch() wire.Handler {
	return func(ctx context.Context, _ []byte, send func([]byte) error) error {
		delivered := d.board.await()
		if d.rollouts.forgetful.Load() != 0 {
			select {
			case at := <-delivered:
				return send(at)
			case <-*d.watching.Load():
				return nil
			}
		}
		defer d.board.giveUp(delivered)
		select {
		case at := <-delivered:
			return send(at)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// feed streams the whole picture and then every event.
func (d *Depot) feed() wire.Handler {
	return func(ctx context.Context, _ []byte, send func([]byte) error) error {
		events, leave := d.board.join()
		defer leave()
		if err := d.sendPicture(send); err != nil {
			return err
		}
		for {
			select {
			case one := <-events:
				if err := send(one); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
