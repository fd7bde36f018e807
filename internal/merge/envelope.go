package merge

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

// The Data of a record, except in beego mode, is an envelope around the values. It names the codec that wrote them, and
// makes any change of them detectable. The format is this library's own. Without encryption it is
//
//	0  1  envelope version, 1
//	1  1  codec
//	2  4  CRC-32C of the codec's byte and the values, big-endian
//	6     the values
//
// Empty Data means a session without values. With encryption Data is always as seal.go describes. In beego mode Data is
// only beego's gob map, also without values. Version 2 is the envelope of client-side sessions, which the root package seals.
const (
	plainVersion = 1
	plainHeader  = 6
)

// An Envelope defines how a manager encodes the values of its sessions.
type Envelope struct {
	Codec     codec.Codec // for everything that is stored from now on
	Seal      *Seal       // nil without encryption
	Beego     bool
	MaxBytes  int       // of stored values; up to four times as many are read, so that a lower limit locks nobody out
	Lifetimes Lifetimes // of the sessions
}

// Contents are the decrypted contents of a record.
type Contents struct {
	Codec  codec.Codec // of Values
	Values string
	Meta   *Meta
	Stale  bool // sealed in the old form or under an older key
}

// A Payload is the contents of a record that is about to be stored.
type Payload struct {
	Contents
	Buf  []byte // the envelope's header, then Values; only the header is written later
	Life Lifetime
	data []byte // in the stored form
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Open checks the record under key and returns its contents. If encryption does not open it, the error is
// [driver.ErrNotFound]; any other damage is [driver.ErrCorrupt].
func (e *Envelope) Open(key string, rec *driver.Record) (c Contents, err error) {
	if most := e.MaxData(); len(rec.Data) > most {
		return c, errTooLarge(len(rec.Data), most)
	}
	clear := *rec
	if e.Seal != nil {
		c, err = e.Seal.open(key, &clear)
	} else {
		c, err = e.unpack(rec.Data)
	}
	if err == nil {
		err = e.Read(&clear, &c)
	}
	return c, err
}

func errTooLarge(n, most int) error {
	return fmt.Errorf("%w: %d bytes are stored, at most %d are read (four times maxBytes)", driver.ErrTooLarge, n, most)
}

// MaxData returns the maximum length of Data that Open accepts. A manager with these settings never stores more, and
// decoding more might exceed the memory of the process.
func (e *Envelope) MaxData() int {
	const overhead = max(plainHeader, sealHeader+sealing.Overhead)
	return 4*min(e.MaxBytes, (math.MaxInt-overhead)/4) + overhead
}

// Read checks c, which contains the Values of rec and their codec, and adds the unencrypted metadata of rec. A nil codec
// means that there are no values.
func (e *Envelope) Read(rec *driver.Record, c *Contents) (err error) {
	if c.Codec == nil {
		c.Codec = e.Codec
	} else if err := c.Codec.Check(c.Values); err != nil {
		return err
	}
	if c.Meta, err = newMeta(rec.Alias, rec.Meta); err == nil {
		c.Meta, err = e.lifted(c.Meta, c.Codec, c.Values)
	}
	return err
}

// Listed returns the metadata of the record under key, without using its Data. If it does not open, the error is
// [driver.ErrNotFound].
func (e *Envelope) Listed(key string, rec *driver.Record) (*Meta, error) {
	clear := *rec
	if e.Seal != nil {
		if err := e.Seal.OpenMeta(key, &clear); err != nil {
			return nil, err
		}
	}
	return newMeta(clear.Alias, clear.Meta)
}

// unpack is Open without encryption and without checks. A nil codec means that there are no values.
func (e *Envelope) unpack(data []byte) (c Contents, err error) {
	switch {
	case len(data) == 0:
		return c, nil
	case e.Beego:
		return Contents{Codec: e.Codec, Values: codec.Frozen(data)}, nil
	case len(data) < plainHeader || data[0] != plainVersion:
		return c, fmt.Errorf("%w: unknown envelope", driver.ErrCorrupt)
	case binary.BigEndian.Uint32(data[2:]) != dataSum(data):
		return c, fmt.Errorf("%w: checksum", driver.ErrCorrupt)
	}
	c.Values = codec.Frozen(data[plainHeader:])
	c.Codec, err = codecOf(data[1])
	return c, err
}

func codecOf(id byte) (codec.Codec, error) {
	c, ok := codec.ByID(id)
	if !ok {
		return nil, fmt.Errorf("%w: unknown codec", driver.ErrCorrupt)
	}
	return c, nil
}

func apply(to codec.Codec, head int, from codec.Codec, values string, changes Changes) ([]byte, error) {
	switch {
	case changes.Flush:
		values = ""
	case from.ID() != to.ID():
		transcoded, err := codec.Transcode(from, to, values)
		if err != nil {
			return nil, err
		}
		values = codec.Frozen(transcoded)
	}
	return to.Apply(head, values, changes.list)
}

// Apply returns the payload to store: c with the changes made, and with cookieSent, the time in milliseconds since 1970 at
// which the cookie is sent, unless that is 0. Changed values are in the envelope's codec and within its limit, preceded by
// head bytes for the caller to fill.
func (e *Envelope) Apply(head int, c Contents, changes Changes, cookieSent int64) (p Payload, err error) {
	p.Contents = c
	if cookieSent != 0 {
		changes.meta = slices.Clone(changes.meta)
		changes.setMeta(CookieSent, binary.AppendVarint(nil, cookieSent))
	}
	if changes.wipe {
		c.Meta = nil
	}
	if p.Meta, err = c.Meta.with(changes.meta); err != nil {
		return p, err
	}
	p.Life = e.Lifetimes.Of(p.Meta)
	if changes, err = e.migrated(changes, c.Values, p.Meta); err != nil {
		return p, err
	}
	switch {
	case changes.Flush || len(changes.list) > 0:
		p.Codec = e.Codec
		if p.Buf, err = apply(e.Codec, head, c.Codec, c.Values, changes); err != nil {
			return p, err
		}
		if n := len(p.Buf) - head; n > e.MaxBytes {
			return p, fmt.Errorf("%w: %d bytes of values, %d allowed (maxBytes)", driver.ErrTooLarge, n, e.MaxBytes)
		}
	default: // values that do not change keep their codec, and may exceed a limit that was lowered
		p.Buf = append(make([]byte, head, head+len(c.Values)), c.Values...)
	}
	p.Values = codec.Frozen(p.Buf[head:])
	return p, nil
}

// head returns the number of bytes before the values.
func (e *Envelope) head() int {
	if e.Seal == nil && !e.Beego {
		return plainHeader
	}
	return 0
}

// pack stores p in rec, which is to be stored under key. It must be called last, because a seal covers the rest of rec.
func (e *Envelope) pack(key string, rec *driver.Record, p *Payload) {
	if rec.Alias, rec.Meta = "", nil; !e.Beego {
		p.Meta.Into(rec)
	}
	switch {
	case e.Seal != nil:
		e.Seal.seal(key, rec, p)
		p.Stale = false
	case len(p.Values) == 0 && e.Beego: // no Data would look like a file that beego is writing, and like no item in memcached
		rec.Data = []byte(codec.EmptyGob)
	case len(p.Values) == 0:
		rec.Data = nil
	case e.Beego:
		rec.Data = p.Buf
	default:
		rec.Data = fillHeader(p.Buf, p.Codec)
	}
	p.data = rec.Data
}

// fillHeader writes the header without encryption in front of the values in data, which it returns.
func fillHeader(data []byte, c codec.Codec) []byte {
	data[0], data[1] = plainVersion, c.ID()
	binary.BigEndian.PutUint32(data[2:], dataSum(data))
	return data
}

func dataSum(data []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, data[1:2]), castagnoli, data[plainHeader:])
}
