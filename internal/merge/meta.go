package merge

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/sealing"
)

// A Meta contains what a session has besides its values: what lists show, and what must be known without decoding values.
// It is never changed after it was made. A nil Meta is empty. The encoded form, which is this library's own, is a list of
// fields in the order of their numbers, each
//
//	1 byte   number
//	uvarint  length
//	         content: a text, or an integer as a varint (both as in encoding/binary)
//
// Fields of later versions are kept unchanged.
type Meta struct {
	Alias  string // another name that finds the session
	fields []byte
}

// A Field is a field of a Meta. The numbers are stored, so they never change.
type Field byte

const (
	Label       Field = 1 // text: the name by which a user recognizes the session
	OwnIdle     Field = 2 // ms: the session's own idle lifetime, negative if the browser keeps the cookie
	OwnAbsolute Field = 3 // ms: the session's own absolute lifetime
	CookieSent  Field = 4 // ms since 1970: when its cookie was last sent, if the browser keeps the cookie
	// 5 to 7 are reserved for the level and the methods of a login, and for the device to which a session is bound.
)

// maxMeta is the maximum length of the encoded form, so that it fits into a driver.Record when it is sealed.
const maxMeta = driver.MaxMeta - sealing.Overhead

// Text returns a field, or "".
func (m *Meta) Text(f Field) string {
	text, _ := m.get(f)
	return string(text)
}

// Int returns a field, or 0.
func (m *Meta) Int(f Field) int64 {
	content, _ := m.get(f)
	n, _ := binary.Varint(content)
	return n
}

func (m *Meta) get(f Field) (content []byte, ok bool) {
	if m == nil {
		return nil, false
	}
	for rest := m.fields; len(rest) > 0; {
		number, content, after, ok := nextField(rest)
		if !ok || number == f {
			return content, ok
		}
		rest = after
	}
	return nil, false
}

// nextField returns the first field of b and the bytes after it.
func nextField(b []byte) (f Field, content, rest []byte, ok bool) {
	n, size := binary.Uvarint(b[1:])
	if size <= 0 || n > uint64(len(b)-1-size) {
		return 0, nil, nil, false
	}
	end := 1 + size + int(n)
	return Field(b[0]), b[1+size : end], b[end:], true
}

// newMeta returns the Meta for a record's alias and encoded fields. It keeps fields, and neither it nor the caller may
// change them.
func newMeta(alias string, fields []byte) (*Meta, error) {
	if alias == "" && len(fields) == 0 {
		return nil, nil
	}
	last := -1
	for rest := fields; len(rest) > 0; {
		f, _, after, ok := nextField(rest)
		if !ok || int(f) <= last {
			return nil, fmt.Errorf("%w: metadata", driver.ErrCorrupt)
		}
		last, rest = int(f), after
	}
	return &Meta{alias, fields}, nil
}

// Into stores m in a record, unencrypted.
func (m *Meta) Into(rec *driver.Record) {
	if m != nil {
		rec.Alias, rec.Meta = m.Alias, m.fields
	}
}

// A metaChange sets the content of a field. Nil removes the field.
type metaChange struct {
	field   Field
	content []byte
}

// with returns m with the changes made. The error is [driver.ErrTooLarge] if they do not fit.
func (m *Meta) with(changes []metaChange) (*Meta, error) {
	if len(changes) == 0 {
		return m, nil
	}
	contents := make(map[Field][]byte)
	var alias string
	if m != nil {
		alias = m.Alias
		for rest := m.fields; len(rest) > 0; {
			f, content, after, ok := nextField(rest)
			if !ok {
				break
			}
			contents[f], rest = content, after
		}
	}
	var order []Field
	for _, c := range changes {
		contents[c.field] = c.content
	}
	for f, content := range contents {
		if content != nil {
			order = append(order, f)
		}
	}
	slices.Sort(order)
	var fields []byte
	for _, f := range order {
		fields = append(fields, byte(f))
		fields = binary.AppendUvarint(fields, uint64(len(contents[f])))
		fields = append(fields, contents[f]...)
	}
	if len(fields) > maxMeta {
		return nil, fmt.Errorf("%w: %d bytes of metadata, %d allowed", driver.ErrTooLarge, len(fields), maxMeta)
	}
	if alias == "" && fields == nil {
		return nil, nil
	}
	return &Meta{alias, fields}, nil
}

// setMeta records a new content of a field. Nil removes the field.
func (c *Changes) setMeta(f Field, content []byte) {
	for i := range c.meta {
		if c.meta[i].field == f {
			c.meta[i].content = content
			return
		}
	}
	c.meta = append(c.meta, metaChange{f, content})
}

// findMeta returns the change of a field, or nil.
func (c *Changes) findMeta(f Field) *metaChange {
	for i := range c.meta {
		if c.meta[i].field == f {
			return &c.meta[i]
		}
	}
	return nil
}

// withValues are the fields that Clear removes together with the values.
var withValues = []Field{Label, OwnIdle}

// SetText records a new text of a field. "" removes the field.
func (l *Log) SetText(f Field, text string) {
	if text == "" {
		l.setMeta(f, nil)
		return
	}
	l.setMeta(f, []byte(text))
}

// SetInt records a new number of a field. 0 removes the field.
func (l *Log) SetInt(f Field, n int64) {
	if n == 0 {
		l.setMeta(f, nil)
		return
	}
	l.setMeta(f, binary.AppendVarint(nil, n))
}

// Sends records when the session's cookie is sent, in milliseconds since 1970. The time is stored with the next change, and
// is not a change itself.
func (l *Log) Sends(at int64) { l.cookieSent = at }

// Meta returns the draft's metadata with its changes made.
func (d *Draft) Meta() *Meta {
	stored := d.rare().meta
	m, err := stored.with(d.Changes().meta)
	if err != nil {
		return stored
	}
	return m
}

// Older versions kept labels and lifetimes among the values, and this version still reads them there. beego's layout has no
// other place, so there all metadata is a value.
const (
	// ReservedPrefix begins the keys of values that this package and the root package store in a session.
	ReservedPrefix = "\x01session."

	oldLabelKey    = ReservedPrefix + "label"    // a string
	oldLifetimeKey = ReservedPrefix + "lifetime" // int64, encoded like OwnIdle
	metaKey        = ReservedPrefix + "meta"     // []byte, in beego's layout
)

var (
	oldLabelKeyEnc, _    = codec.AppendKey(nil, oldLabelKey)
	oldLifetimeKeyEnc, _ = codec.AppendKey(nil, oldLifetimeKey)
	metaKeyEnc, _        = codec.AppendKey(nil, metaKey)
)

const (
	oldKeys  = "session.l" // what both have, in every codec
	beegoKey = "session.meta"
)

// hasOldKeys reports whether values may contain old metadata. It is called for every request, so it does not decode.
func hasOldKeys(values string) bool { return strings.Contains(values, oldKeys) }

// lifted returns meta with the old metadata that it finds among values, which are in codec c.
func (e *Envelope) lifted(meta *Meta, c codec.Codec, values string) (*Meta, error) {
	if e.Beego && strings.Contains(values, beegoKey) {
		v, ok, err := c.Get(values, metaKeyEnc)
		fields, isBytes := v.([]byte)
		if ok && err == nil && isBytes {
			if meta, err = newMeta("", fields); err != nil {
				return nil, err
			}
		}
	}
	if !hasOldKeys(values) {
		return meta, nil
	}
	var old Changes
	if v, ok, err := c.Get(values, oldLabelKeyEnc); ok && err == nil {
		if label, ok := v.(string); ok && label != "" {
			old.setMeta(Label, []byte(label))
		}
	}
	if v, ok, err := c.Get(values, oldLifetimeKeyEnc); ok && err == nil {
		if ms, ok := v.(int64); ok && ms != 0 {
			old.setMeta(OwnIdle, binary.AppendVarint(nil, ms))
		}
	}
	old.meta = slices.DeleteFunc(old.meta, func(c metaChange) bool {
		_, has := meta.get(c.field)
		return has
	})
	return meta.with(old.meta)
}

// migrated returns changes that also bring values into today's form: they remove old labels and lifetimes, and in beego's
// layout they store meta as a value.
func (e *Envelope) migrated(changes Changes, values string, meta *Meta) (Changes, error) {
	list := changes.list
	if !changes.Flush && hasOldKeys(values) {
		list = append(slices.Clone(list), codec.Change{Key: oldLabelKeyEnc}, codec.Change{Key: oldLifetimeKeyEnc})
	}
	if e.Beego && (meta != nil || strings.Contains(values, beegoKey)) {
		change := codec.Change{Key: metaKeyEnc}
		if meta != nil {
			v, err := e.Codec.AppendValue(nil, meta.fields)
			if err != nil {
				return changes, err
			}
			change.Value = v
		}
		list = append(slices.Clone(list), change)
	}
	changes.list = list
	return changes, nil
}
