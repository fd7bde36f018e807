package beegotest_test

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/ledisdb/ledisdb/config"
	"github.com/ledisdb/ledisdb/store/driver"
)

// beego v2.3.10 makes LedisDB's config with new(config.Config). With the version of LedisDB that it requires, the mutex in
// such a config is nil: each write panics, and so does LedisDB's own goroutine a second after the start. The tests put the
// mutex in its place. Nothing else of beego or LedisDB is changed.

//go:linkname stores github.com/ledisdb/ledisdb/store/driver.dbs
var stores map[string]driver.Store

func init() { stores["goleveldb"] = mended{stores["goleveldb"]} }

// A mended is the store that opens beego's folder. It is the first that gets to see the config.
type mended struct{ driver.Store }

func (s mended) Open(path string, cfg *config.Config) (driver.IDB, error) {
	m := reflect.ValueOf(cfg).Elem().FieldByName("m")
	if m.IsNil() {
		reflect.NewAt(m.Type(), unsafe.Pointer(m.UnsafeAddr())).Elem().Set(reflect.ValueOf(new(sync.RWMutex)))
	}
	return s.Store.Open(path, cfg)
}
