package file

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/seed1a8f7c28/session/driver"
)

// A file with slots is saved in place. It has two slots of the same size, and a save overwrites the older one. So a crash
// in the middle of a save, or a full disk, leaves the newer one as it was. The format is this package's own. All integers
// are big-endian. The columns are offset, length and content:
//
//	 0  4  "sesf"
//	 4  4  size of a slot
//	 8     zeros
//	64     the first slot, then the second, which the file lacks until it is used
//
// And in a slot:
//
//	 0  8  sequence: 1 in the first save, one more in each; 0 while the slot is being written and synced
//	 8  4  length of the content
//	12  4  checksum of sequence, length and content
//	16  8  a deadline that a Touch has set since, in milliseconds since 1970, or 0
//	24  4  checksum of sequence and deadline
//	28  4  zeros
//	32     the content: a record, or two of them while the session is being renamed (see moving)
//
// The checksums are CRC-32C. A reader takes no lock. It takes the slot with the higher sequence if that is whole and the
// other one is its predecessor. In all other cases somebody is writing, or has crashed while he did. Then the reader reads
// again, until it finds the same bytes twice: nobody is writing these. It takes the newest slot that is whole.
//
// A session begins with the sequence 1 in the first slot. As long as there is nothing else, an unfinished slot is a
// session that has never begun: there is none.
const (
	slottedMagic = "sesf"
	slottedHead  = 64
	slotHead     = 32
	slotTouched  = 16 // offset in a slot
	touchedSize  = 12 // of the deadline with its checksum

	// A file has a multiple of fileBlock, which is what most file systems give to the smallest one. maxSlotted is the size
	// of the largest file with slots. A larger session has a file of its own kind, because a second slot would take more
	// space than a save takes time: see plain.
	fileBlock  = 4 << 10
	maxSlotted = 64 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// slotFor returns the size of the slots for a content of n bytes, or 0 if a file with slots would be too large. A slot never
// begins within the last bytes of a disk's sector, so that no head is in two sectors.
func slotFor(n int) int {
	blocks := (slottedHead + 2*(slotHead+n) + fileBlock - 1) / fileBlock
	if blocks > maxSlotted/fileBlock {
		return 0
	}
	return (blocks*fileBlock - slottedHead) / 2
}

// A slot is one that was found in a file.
type slot struct {
	at       int // offset in the file
	sequence uint64
	content  []byte // nil unless it is whole
	touched  int64  // 0 for none
	torn     bool   // somebody is writing the deadline
}

// slots are both of a file.
type slots struct {
	size  int
	slots [2]slot
}

// slotted reports whether b is the beginning of a file with slots, finished or not.
func slotted(b []byte) bool { return string(b[:min(len(b), 4)]) == slottedMagic[:min(len(b), 4)] }

// slotsIn returns the slots of a file that contains b.
func slotsIn(b []byte) (s slots, err error) {
	if len(b) < slottedHead {
		return s, nil // it was not finished
	}
	s.size = int(binary.BigEndian.Uint32(b[4:]))
	if s.size < slotHead || s.size > maxSlotted {
		return s, fmt.Errorf("%w: a slot of %d bytes", driver.ErrCorrupt, s.size)
	}
	for i := range s.slots {
		at := min(slottedHead+i*s.size, len(b))
		s.slots[i] = parseSlot(b[at:min(at+s.size, len(b))])
		s.slots[i].at = slottedHead + i*s.size
	}
	return s, nil
}

func parseSlot(b []byte) (s slot) {
	if len(b) < slotHead {
		return s
	}
	s.sequence = binary.BigEndian.Uint64(b)
	if n := binary.BigEndian.Uint32(b[8:]); int64(n) <= int64(len(b)-slotHead) {
		content := b[slotHead : slotHead+n : slotHead+n]
		if binary.BigEndian.Uint32(b[12:]) == slotChecksum(b[:12], content) {
			s.content = content
		}
	}
	if touched := binary.BigEndian.Uint64(b[slotTouched:]); binary.BigEndian.Uint32(b[24:]) == touchedChecksum(b[:8], b[slotTouched:24]) {
		s.touched = int64(touched)
	} else {
		s.torn = true
	}
	return s
}

func slotChecksum(head, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, content)
}

func touchedChecksum(sequence, touched []byte) uint32 {
	return crc32.Update(crc32.Checksum(sequence, castagnoli), castagnoli, touched)
}

func (s slot) whole() bool { return s.sequence > 0 && s.content != nil }

// newest returns the newest slot that is whole; it is not whole if there is none. settled reports whether nobody can be
// writing at this moment.
func (s *slots) newest() (newest slot, settled bool) {
	newest, other := s.slots[0], s.slots[1]
	if other.sequence > newest.sequence {
		newest, other = other, newest
	}
	settled = newest.whole() && !newest.torn && other.sequence == newest.sequence-1
	if !newest.whole() && other.whole() {
		return other, settled
	}
	return newest, settled
}

// begun reports whether the file has ever contained a whole slot.
func (s *slots) begun() bool { return s.slots[0].sequence > 1 || s.slots[1].sequence > 0 }

// older returns the offset of the slot that the next save overwrites.
func (s *slots) older(newest slot) int {
	if newest.at == s.slots[0].at {
		return s.slots[1].at
	}
	return s.slots[0].at
}

// fits reports whether a content of n bytes can go into a slot, and does not leave most of the file unused.
func (s *slots) fits(n int) bool { return slotHead+n <= s.size && s.size <= 4*slotFor(n) }

// fillSlotted writes the heads of a new file with one slot into b. The content is in its place.
func fillSlotted(b []byte, size int) {
	copy(b, slottedMagic)
	binary.BigEndian.PutUint32(b[4:], uint32(size))
	fillSlot(b[slottedHead:], 1)
}

// fillSlot writes the head of a slot into b. The content is in its place.
func fillSlot(b []byte, sequence uint64) {
	content := b[slotHead:]
	binary.BigEndian.PutUint64(b, sequence)
	binary.BigEndian.PutUint32(b[8:], uint32(len(content)))
	binary.BigEndian.PutUint32(b[12:], slotChecksum(b[:12], content))
	fillTouched(b, 0)
}

// fillTouched writes the deadline with its checksum into the head of a slot, whose sequence is in its place.
func fillTouched(b []byte, touched int64) {
	binary.BigEndian.PutUint64(b[slotTouched:], uint64(touched))
	binary.BigEndian.PutUint32(b[24:], touchedChecksum(b[:8], b[slotTouched:24]))
}
