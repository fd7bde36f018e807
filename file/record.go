package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A session's file contains the binary form of a record, or two of them while the record is being renamed: see moving. A
// file with slots contains it in one of them. A plain file contains nothing else: that is how earlier versions wrote all
// sessions, and how large ones are written still.
const (
	// maxSize is the maximum size of a file, in bytes, for writing and for reading.
	maxSize = 64 << 20
	// headSize is how many bytes of a plain file are read first if the data is not wanted. Few heads are longer.
	headSize = 2 << 10
	// largeBuffer is the size of the largest buffer that is kept for later calls.
	largeBuffer = maxSlotted

	expiresEnd = driver.RecordExpiresOffset + 8
)

// A buffer is memory in which a file is assembled or read.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, fileBlock)} }}

func newBuffer() *buffer {
	buf := buffers.Get().(*buffer)
	buf.b = buf.b[:0]
	return buf
}

func (buf *buffer) release() {
	if cap(buf.b) <= largeBuffer {
		buffers.Put(buf)
	}
}

// A stored is what a session's file contains.
type stored struct {
	content []byte // a record, or a moving; part of a buffer
	slots   slots  // their size is 0 for a plain file
	newest  slot   // the one with content
}

// unmarshal fills rec with the record that the content is for a file of the given name. The record's Meta and Data are
// parts of b, which is the content or a copy.
func (st *stored) unmarshal(b []byte, name string, rec *driver.Record) error {
	found, err := recordIn(b, name)
	if err == nil {
		err = rec.UnmarshalBinary(found)
	}
	if err == nil && st.newest.touched > rec.Expires.UnixMilli() {
		rec.Expires = time.UnixMilli(st.newest.touched)
	}
	return err
}

// read fills rec with the record in the file at path in r, live or not. The error wraps session.ErrNotFound if the file is
// missing, or if its first save was not finished. It wraps session.ErrCorrupt if the file contains no record.
func read(r *os.Root, path string, rec *driver.Record) error {
	f, size, err := openSession(r, path, readOnly)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := newBuffer()
	defer buf.release()
	st, err := buf.readAll(f, size, sizeFor(rec.MaxData))
	if err != nil {
		return err
	}
	return st.unmarshal(bytes.Clone(st.content), base(path), rec)
}

// readHead is read without the data.
func readHead(r *os.Root, path string, rec *driver.Record) error {
	f, size, err := openSession(r, path, readOnly)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := newBuffer()
	defer buf.release()
	st, err := buf.readHead(f, size)
	if err != nil {
		return err
	}
	err = st.unmarshal(st.content, base(path), rec)
	if err == nil {
		rec.Meta, rec.Data = bytes.Clone(rec.Meta), nil
	}
	return err
}

// base returns the last part of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// openSession opens a session's file.
func openSession(r *os.Root, path string, flag int) (f *os.File, size int64, err error) {
	f, size, err = openSized(r, path, flag)
	switch {
	case err == nil:
		return f, size, nil
	case errors.Is(err, fs.ErrNotExist):
		err = driver.ErrNotFound
	case errors.Is(err, errIrregular):
		err = fmt.Errorf("%w: %w", driver.ErrCorrupt, err)
	default:
		err = fail("read", err)
	}
	return nil, 0, err
}

// readAll reads the file f of the given size. The content must not have more than most bytes.
func (buf *buffer) readAll(f *os.File, size int64, most int) (st stored, err error) {
	if err = buf.readSome(f, int(min(size, fileBlock))); err != nil {
		return st, err
	}
	if slotted(buf.b) {
		if st, err = buf.readSlots(f, size); err == nil && len(st.content) > most {
			err = tooLong(most)
		}
		return st, err
	}
	if size > int64(most) {
		return st, tooLong(most)
	}
	if err = buf.readSome(f, int(size)); err == nil {
		err = settle(f, buf.b)
	}
	return stored{content: buf.b}, err
}

// readHead is readAll, but may stop after the head.
func (buf *buffer) readHead(f *os.File, size int64) (st stored, err error) {
	for limit, had := headSize, -1; limit > len(buf.b) && len(buf.b) > had; limit = driver.RecordDataOffset(buf.b) {
		had = len(buf.b)
		if err = buf.readSome(f, int(min(size, int64(limit)))); err != nil {
			return st, err
		}
		if slotted(buf.b) || moving(buf.b) {
			return buf.readAll(f, size, maxSize)
		}
	}
	return stored{content: buf.b}, settle(f, buf.b)
}

// sizeFor returns the maximum size of a content with maxData bytes of data; 0 means any number. It may be two records, each
// with its head.
func sizeFor(maxData int) int {
	if maxData == 0 || maxData > maxSize/2-driver.RecordMaxHead {
		return maxSize
	}
	return 2 * (maxData + driver.RecordMaxHead)
}

func tooLong(most int) error {
	return fmt.Errorf("%w: a file of more than %d bytes", driver.ErrTooLarge, most)
}

// readSome reads until the buffer has limit bytes or f ends.
func (buf *buffer) readSome(f *os.File, limit int) error {
	b := slices.Grow(buf.b, max(0, limit-len(buf.b)))
	for len(b) < limit {
		n, err := f.Read(b[len(b):limit])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return fail("read", err)
		}
	}
	buf.b = b
	if len(b) == 0 || unwritten(b) {
		return driver.ErrNotFound
	}
	return nil
}

// unwritten reports whether b, the beginning of a file, was never written: a power failure may leave zeros there.
func unwritten(b []byte) bool { return len(b) >= 4 && string(b[:4]) == "\x00\x00\x00\x00" }

// readSlots reads the rest of a file with slots, again and again until nobody is writing what it finds.
func (buf *buffer) readSlots(f *os.File, size int64) (st stored, err error) {
	if err = buf.readSome(f, int(min(size, maxSlotted))); err != nil {
		return st, err
	}
	for {
		if st.slots, err = slotsIn(buf.b); err != nil {
			return st, err
		}
		settled := false
		st.newest, settled = st.slots.newest()
		if !settled {
			if settled, err = buf.readAgain(f); err != nil {
				return st, err
			}
		}
		switch {
		case !settled:
			continue
		case st.newest.whole():
			st.content = st.newest.content
			return st, nil
		case st.slots.begun():
			return st, fmt.Errorf("%w: no part of the file is whole", driver.ErrCorrupt)
		}
		return st, driver.ErrNotFound
	}
}

// readAgain reads a file with slots once more, and reports whether it finds the same bytes. Otherwise they replace those in
// the buffer.
func (buf *buffer) readAgain(f *os.File) (same bool, err error) {
	again := newBuffer()
	defer again.release()
	again.b = slices.Grow(again.b, maxSlotted)[:maxSlotted]
	n, err := f.ReadAt(again.b, 0)
	if err != nil && err != io.EOF {
		return false, fail("read", err)
	}
	again.b = again.b[:n]
	if bytes.Equal(buf.b, again.b) {
		return true, nil
	}
	buf.b, again.b = again.b, buf.b
	return false, nil
}

// settle makes sure that the eight bytes in b, the beginning of a plain file, are a whole deadline, because a Touch may
// overwrite them in the file during the read. No other part of a plain file ever changes. The Touch is one write of eight
// bytes within one sector and one page. No system is known to show part of such a write, but no standard forbids it, and
// part of a deadline would be a time in the distant past or future. If two reads in a row return the same bytes, they are
// whole, because copying eight bytes does not last from one system call to the next.
func settle(f *os.File, b []byte) error {
	if len(b) < expiresEnd || moving(b) {
		return nil
	}
	seen := b[driver.RecordExpiresOffset:expiresEnd]
	for {
		var again [8]byte
		if _, err := f.ReadAt(again[:], driver.RecordExpiresOffset); err != nil {
			return fail("read", err)
		}
		if bytes.Equal(seen, again[:]) {
			return nil
		}
		copy(seen, again[:])
	}
}

// fail wraps err as the error of a call. It drops the path that package os adds, because the name of a file identifies a
// session.
func fail(doing string, err error) error {
	return fmt.Errorf("session/file: %s: %w", doing, bare(err))
}

// bare returns the cause of an error of package os.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
