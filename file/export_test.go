package file

import (
	"os"

	"github.com/seed1a8f7c28/session/driver"
)

// BeforeSync has a store call do before each of its syncs.
func BeforeSync(s driver.Backend, do func()) {
	st := s.(*store)
	flush := st.flush
	st.flush = func(f *os.File) error {
		do()
		return flush(f)
	}
}
