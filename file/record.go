package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A file contains the binary form of a record, or two of them while the record is being renamed: see moving.
const (
	// maxSize is the maximum size of a file, in bytes, for writing and for reading.
	maxSize = 64 << 20
	// headSize is how many bytes are read first if the data is not wanted. Few heads are longer.
	headSize = 2 << 10
	// largeBuffer is the size of the largest buffer that is kept for later calls.
	largeBuffer = 64 << 10

	expiresEnd = driver.RecordExpiresOffset + 8
)

// A buffer is memory in which a file is assembled or read.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 4<<10)} }}

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

// read fills rec with the record in the file name of r, live or not. The error wraps session.ErrNotFound if the file is
// missing, or empty as a power failure may leave it. It wraps session.ErrCorrupt if the file contains no record.
func read(r *os.Root, name string, rec *driver.Record) error {
	most := sizeFor(rec.MaxData)
	return reading(r, name, func(f *os.File, buf *buffer) error {
		found, err := buf.readRecord(f, name, most)
		if err != nil {
			return err
		}
		return rec.UnmarshalBinary(bytes.Clone(found))
	})
}

// reading runs f on an open file of r, with a buffer.
func reading(r *os.Root, name string, f func(f *os.File, buf *buffer) error) error {
	opened, err := openFile(r, name, readOnly)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return driver.ErrNotFound
	case errors.Is(err, errIrregular):
		return fmt.Errorf("%w: %w", driver.ErrCorrupt, err)
	case err != nil:
		return fail("read", err)
	}
	defer opened.Close()
	buf := newBuffer()
	defer buf.release()
	return f(opened, buf)
}

// readHead is read without the data.
func readHead(r *os.Root, name string, rec *driver.Record) error {
	return reading(r, name, func(f *os.File, buf *buffer) error {
		found, err := buf.readHead(f, name)
		if err == nil {
			err = rec.UnmarshalBinary(found)
		}
		if err != nil {
			return err
		}
		rec.Meta, rec.Data = bytes.Clone(rec.Meta), nil
		return nil
	})
}

// readHead is readRecord, but may stop after the head.
func (buf *buffer) readHead(f *os.File, name string) ([]byte, error) {
	for limit, had := headSize, -1; limit > len(buf.b) && len(buf.b) > had; limit = driver.RecordDataOffset(buf.b) {
		had = len(buf.b)
		if err := buf.readSome(f, limit); err != nil {
			return nil, err
		}
		if moving(buf.b) {
			return buf.readRecord(f, name, maxSize)
		}
	}
	return buf.b, nil
}

// readRecord reads the rest of f, up to most bytes, and returns the record that the file contains for its name.
func (buf *buffer) readRecord(f *os.File, name string, most int) ([]byte, error) {
	if err := buf.readSome(f, most+1); err != nil {
		return nil, err
	}
	if len(buf.b) > most {
		return nil, tooLong(most)
	}
	return recordIn(buf.b, path.Base(name))
}

// sizeFor returns the maximum file size for a record with maxData bytes of data; 0 means any number. A file may contain two
// records, each with its head.
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
	b := buf.b
	for len(b) < limit {
		if len(b) == cap(b) {
			b = slices.Grow(b, cap(b))
		}
		n, err := f.Read(b[len(b):min(cap(b), limit)])
		b = b[:len(b)+n]
		buf.b = b
		if err == io.EOF {
			break
		}
		if err != nil {
			return fail("read", err)
		}
	}
	if len(b) == 0 {
		return driver.ErrNotFound
	}
	return settle(f, b)
}

// settle makes sure that the eight bytes in b are a whole deadline, because a Touch may overwrite them in the file during
// the read. No other part of a file ever changes. The Touch is one write of eight bytes within one sector and one page. No
// system is known to show part of such a write, but no standard forbids it, and part of a deadline would be a time in the
// distant past or future. If two reads in a row return the same bytes, they are whole, because copying eight bytes does not
// last from one system call to the next.
func settle(f *os.File, b []byte) error {
	if len(b) < expiresEnd {
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

// write stores rec under name in d, in one step. It syncs the file as the policy says, but not the folder.
func (s *store) write(d *os.Root, name string, rec *driver.Record) error {
	buf := newBuffer()
	defer buf.release()
	var err error
	if buf.b, err = rec.AppendBinary(buf.b); err != nil {
		return err
	}
	return s.writeBytes(d, name, buf.b)
}

// A reader must see the old file or the new one, never part of one. So writeBytes writes another file and renames it.
func (s *store) writeBytes(d *os.Root, name string, b []byte) error {
	if len(b) > maxSize {
		return fmt.Errorf("%w: %d bytes exceed the limit for a file", driver.ErrTooLarge, len(b))
	}
	temp, err := s.writeTemp(d, b)
	if err == nil {
		err = takePlace(d, temp, name)
	}
	if err != nil {
		return fail("write", err)
	}
	return nil
}

// takePlace renames a temporary file, or removes it after an error.
func takePlace(d *os.Root, temp, name string) error {
	err := d.Rename(temp, name)
	if err != nil {
		d.Remove(temp)
	}
	return err
}

// writeTemp writes a temporary file. After an error it leaves none.
func (s *store) writeTemp(d *os.Root, b []byte) (temp string, err error) {
	temp = tempName()
	if err = s.writeNew(d, temp, b); err != nil {
		d.Remove(temp)
	}
	return temp, err
}

// writeNew opens with nonblock. That has no effect on a new file, but saves package os four system calls: see readOnly.
func (s *store) writeNew(d *os.Root, name string, b []byte) error {
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|nonblock, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && s.fsync != none {
		err = s.flush(f)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// writeExpires overwrites the deadline of a record in its file. The caller holds the lock.
func (s *store) writeExpires(d *os.Root, name string, expires time.Time) error {
	f, err := openFile(d, name, os.O_RDWR)
	if err != nil {
		return fail("touch", err)
	}
	defer f.Close()
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil {
		return fail("touch", err)
	}
	if moving(magic[:]) { // left by a crash
		var rec driver.Record
		if err := read(d, name, &rec); err != nil {
			return err
		}
		rec.Expires = expires
		return s.write(d, name, &rec)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(expires.UnixMilli()))
	_, err = f.WriteAt(b, driver.RecordExpiresOffset)
	if err == nil && s.fsync != none {
		err = s.flush(f)
	}
	if err != nil {
		return fail("touch", err)
	}
	return nil
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
