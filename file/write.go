package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A writer is the file of a session that a call changes. The call holds the session's lock.
type writer struct {
	s   *store
	p   place
	f   *os.File
	buf *buffer // contains what was read
	stored
	inPlace bool // the last store has overwritten a slot
}

// openWriter opens the file at p and fills rec with the record in it, live or not. The errors are those of read. rec.Meta
// and rec.Data are lost when the writer is closed, which the caller must do after an error too.
func (s *store) openWriter(p place, rec *driver.Record) (w *writer, err error) {
	return s.openWith(p, rec, func(buf *buffer, f *os.File, size int64) (stored, error) { return buf.readAll(f, size, maxSize) })
}

// openTouch is openWriter without the data.
func (s *store) openTouch(p place, rec *driver.Record) (w *writer, err error) {
	return s.openWith(p, rec, (*buffer).readHead)
}

func (s *store) openWith(
	p place, rec *driver.Record, read func(buf *buffer, f *os.File, size int64) (stored, error),
) (w *writer, err error) {
	w = &writer{s: s, p: p}
	f, size, err := openSession(p.root, p.path, os.O_RDWR)
	if err != nil {
		return w, err
	}
	w.f, w.buf = f, newBuffer()
	if w.stored, err = read(w.buf, f, size); err == nil {
		err = w.unmarshal(w.content, p.name(), rec)
	}
	return w, err
}

// openVersion is openWriter for a live record of the given version. Any other record is a conflict, which the caller may
// keep.
func (s *store) openVersion(p place, version uint64, rec *driver.Record) (w *writer, err error) {
	w, err = s.openWriter(p, rec)
	switch {
	case err != nil:
	case !live(rec):
		err = driver.ErrNotFound
	case rec.Version != version:
		rec.Meta, rec.Data = bytes.Clone(rec.Meta), bytes.Clone(rec.Data)
		err = &driver.ConflictError{Record: rec}
	}
	return w, err
}

func (w *writer) close() {
	if w.f != nil {
		w.f.Close()
		w.buf.release()
	}
}

// newHead is the length of the heads of a new file. A save in place leaves out the first of them.
const newHead = slottedHead + slotHead

// encode returns a buffer with the binary form of rec, behind room for the heads of a new file.
func encode(rec *driver.Record) (*buffer, error) {
	buf := newBuffer()
	b, err := rec.AppendBinary(append(buf.b, make([]byte, newHead)...))
	if err != nil {
		buf.release()
		return nil, err
	}
	buf.b = b
	return buf, nil
}

// store stores rec in place of what the file contains, in one step for those who read. It syncs the file as the policy
// says, but not the folder: see sync.
func (w *writer) store(rec *driver.Record) error {
	buf, err := encode(rec)
	if err != nil {
		return err
	}
	defer buf.release()
	// Somebody may have opened a moving file under its old name. It must not get what is only of the new name.
	if w.inPlace = w.slots.size > 0 && !moving(w.content) && w.slots.fits(len(buf.b)-newHead); !w.inPlace {
		return w.s.replaceFile(w.p, buf.b)
	}
	if err := w.overwrite(buf.b[slottedHead:]); err != nil {
		return fail("write", err)
	}
	return nil
}

// overwrite overwrites the older slot. With a policy that syncs, the slot is on disk before anybody can see it. So a save
// that fails has changed nothing.
func (w *writer) overwrite(b []byte) error {
	sequence, at := w.newest.sequence+1, int64(w.slots.older(w.newest))
	fillSlot(b, sequence)
	var err error
	if w.s.fsync == none {
		_, err = w.f.WriteAt(b, at)
	} else {
		shown := [8]byte(b)
		clear(b[:len(shown)])
		if _, err = w.f.WriteAt(b, at); err == nil {
			err = w.s.flush(w.f)
		}
		if err == nil {
			_, err = w.f.WriteAt(shown[:], at)
		}
	}
	if err == nil && !named(w.p.root, w.p.path, w.f) {
		err = fs.ErrNotExist // somebody has removed the file meanwhile
	}
	return err
}

// sync is called last, after everything that store has done. After an error the change has been made, but a power failure
// may undo it.
func (w *writer) sync() error {
	if !w.inPlace {
		return w.s.syncNames(w.p)
	}
	if w.s.fsync != full {
		return nil
	}
	if err := w.s.flush(w.f); err != nil {
		return fail("sync", err)
	}
	return nil
}

// touch sets the deadline to a later time, in place.
func (w *writer) touch(expires time.Time) (err error) {
	var b []byte
	at := int64(driver.RecordExpiresOffset)
	switch {
	case w.slots.size > 0:
		head := binary.BigEndian.AppendUint64(make([]byte, 0, slotHead), w.newest.sequence)[:slotHead]
		fillTouched(head, expires.UnixMilli())
		b, at = head[slotTouched:slotTouched+touchedSize], int64(w.newest.at+slotTouched)
	case moving(w.content): // left by a crash
		var rec driver.Record
		if err := w.unmarshal(w.content, w.p.name(), &rec); err != nil {
			return err
		}
		rec.Expires = expires
		return w.store(&rec)
	default:
		b = binary.BigEndian.AppendUint64(nil, uint64(expires.UnixMilli()))
	}
	_, err = w.f.WriteAt(b, at)
	if err == nil && w.s.fsync != none {
		err = w.s.flush(w.f)
	}
	if err != nil {
		return fail("touch", err)
	}
	return nil
}

// createNew begins a session whose file does not exist. It returns false if there is a file. The file is no session until
// all of it is written.
func (s *store) createNew(p place, rec *driver.Record) (created bool, err error) {
	buf, err := encode(rec)
	if err != nil {
		return false, err
	}
	defer buf.release()
	size := slotFor(len(buf.b) - newHead)
	if size == 0 {
		return false, nil // see replaceFile
	}
	f, err := p.root.OpenFile(p.path, createFlags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.mkdirs(p.dir()); err == nil {
			f, err = p.root.OpenFile(p.path, createFlags, 0o600)
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, fail("create", err)
	}
	reserved, err := s.enter(p.name(), &driver.Record{}, rec)
	if err == nil {
		fillSlotted(buf.b, size)
		if _, err = f.Write(buf.b); err != nil {
			err = fail("create", err)
		}
	}
	if closed := f.Close(); err == nil && closed != nil {
		err = fail("create", closed)
	}
	if err != nil {
		p.root.Remove(p.path)
		s.leave(p.name(), rec, &driver.Record{})
		return false, err
	}
	if reserved {
		s.fulfill(rec.User, p.name())
	}
	return true, nil
}

// replaceFile stores a content, behind room for the heads of a new file, as the file at p. A reader sees the old file or
// the new one, because replaceFile writes another file and renames it. It syncs the file as the policy says, but not the
// folder.
func (s *store) replaceFile(p place, b []byte) error {
	if size := slotFor(len(b) - newHead); size > 0 {
		fillSlotted(b, size)
	} else if b = b[newHead:]; len(b) > maxSize {
		return fmt.Errorf("%w: %d bytes exceed the limit for a file", driver.ErrTooLarge, len(b))
	}
	temp, err := s.writeTemp(p, b)
	if err == nil {
		err = takePlace(temp, p)
	}
	if err != nil {
		return fail("write", err)
	}
	return nil
}

// takePlace renames a temporary file, or removes it after an error.
func takePlace(temp string, p place) error {
	err := p.root.Rename(temp, p.path)
	if err != nil {
		p.root.Remove(temp)
	}
	return err
}

// writeTemp writes a temporary file in the folder of p. After an error it leaves none.
func (s *store) writeTemp(p place, b []byte) (temp string, err error) {
	temp = p.dir() + "/" + tempName()
	if err = s.writeNew(p.root, temp, b); err != nil {
		p.root.Remove(temp)
	}
	return temp, err
}

// createFlags has nonblock. That has no effect on a new file, but saves package os four system calls: see readOnly.
const createFlags = os.O_WRONLY | os.O_CREATE | os.O_EXCL | nonblock

func (s *store) writeNew(d *os.Root, name string, b []byte) error {
	f, err := d.OpenFile(name, createFlags, 0o600)
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
