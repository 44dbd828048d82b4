// Package wire carries calls and streams as frames over one TCP connection, with credit for flow control.
package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// MaxFrame is the largest body of a frame.
const MaxFrame = 1 << 20

// firstCredit is how many data frames a stream may send before its reader grants more.
const firstCredit = 64

type kind byte

const (
	kindCall kind = iota + 1
	kindData
	kindEnd
	kindFail
	kindCancel
	kindCredit
)

type frame struct {
	kind   kind
	stream uint32
	body   []byte
}

const headerSize = 9

func writeFrame(w io.Writer, f frame) error {
	var header [headerSize]byte
	binary.BigEndian.PutUint32(header[0:], uint32(len(f.body)))
	header[4] = byte(f.kind)
	binary.BigEndian.PutUint32(header[5:], f.stream)
	if _, err := w.Write(header[:]); err != nil {
		return err
	}
	_, err := w.Write(f.body)
	return err
}

// Exact gives a frame a buffer of its own size.
func Exact(n int) []byte { return make([]byte, n) }

func readFrame(r io.Reader, buffer func(n int) []byte) (frame, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(header[0:])
	if size > MaxFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes is over the limit of %d", size, MaxFrame)
	}
	body := buffer(int(size))
	if _, err := io.ReadFull(r, body); err != nil {
		return frame{}, err
	}
	return frame{kind: kind(header[4]), stream: binary.BigEndian.Uint32(header[5:]), body: body}, nil
}
