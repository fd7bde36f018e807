package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/ristretto/v2/z"
)

var errDamaged = errors.New("the store is damaged")

// checkTables reads all tables once and compares their checksums. badger itself opens tables in goroutines of its own, panics
// there if one is damaged in one way, which ends the process, and leaves it out if in another. A read takes a damaged block
// for one without the key. Both would log visitors out.
//
// A file that the manifest does not list is what a killed process was writing. badger removes it.
func checkTables(o badger.Options) error {
	manifest, err := os.Open(filepath.Join(o.Dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer manifest.Close()
	listed, _, err := badger.ReplayManifestFile(manifest, o.ExternalMagicVersion, o)
	if err != nil {
		return err
	}
	for id, is := range listed.Tables {
		name := table.NewFilename(id, o.Dir)
		if err := checkTable(name, table.Options{BlockSize: o.BlockSize, Compression: is.Compression, ChkMode: options.OnBlockRead}); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return nil
}

func checkTable(name string, o table.Options) (err error) {
	defer func() {
		if recover() != nil { // the text is about badger's own code
			err = fmt.Errorf("%w: not a whole table", errDamaged)
		}
	}()
	file, err := z.OpenMmapFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(-1)) }()
	t, err := table.OpenTable(file, o)
	if err == nil {
		err = t.VerifyChecksum()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}
