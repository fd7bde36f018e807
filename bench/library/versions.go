package library

import (
	"runtime/debug"
	"slices"
	"strings"
)

// modules are the modules that are compared, in addition to those of the Libraries.
var modules = []string{
	"github.com/alexedwards/scs/goredisstore", "github.com/alexedwards/scs/mysqlstore",
	"github.com/alexedwards/scs/postgresstore", "github.com/gofiber/storage/redis/v3", "github.com/gomodule/redigo",
	"github.com/jackc/pgx/v5", "github.com/quasoft/memstore", "github.com/redis/go-redis/v9",
	"github.com/zerodha/simplesessions/stores/memory/v3", "github.com/zerodha/simplesessions/stores/postgres/v3",
}

// LeftOut lists what is not available, with the reason.
var LeftOut = []string{
	"github.com/zerodha/simplesessions/stores/redis/v3 v3.0.0, which the checksum database does not know; simplesessions on " +
		"redis has the same commands from a store of the benchmark's own",
}

// Versions returns the versions of the compared modules with which this program was built.
func Versions() []string {
	compared := slices.Clone(modules)
	for _, l := range All {
		if l.Peer() {
			compared = append(compared, l.Module)
		}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var versions []string
	for _, dep := range info.Deps {
		if slices.Contains(compared, dep.Path) {
			versions = append(versions, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
		}
	}
	return versions
}
