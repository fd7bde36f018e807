package session_test

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// An engine is a way to keep sessions, and what they are written in.
type engine struct {
	name     string
	provider func(t testing.TB) session.Provider
	codec    string
}

func (e engine) open(t testing.TB, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	return newNode(t, e.provider(t), append([]session.ManagerConfigOpt{session.CfgCodec(e.codec)}, opts...)...)
}

// storing are the engines that this package keeps values in.
func storing() (engines []engine) {
	for _, codec := range []string{"compact", "gob", "json"} {
		for name, open := range map[string]func(t testing.TB) session.Provider{
			"memory":                func(testing.TB) session.Provider { return memory.New() },
			"tap":                   func(t testing.TB) session.Provider { return newTap(t).provider() },
			"sealer":                func(testing.TB) session.Provider { return newSealerProvider() },
			"sealer of known sizes": func(testing.TB) session.Provider { return clientProvider(newSizedSealer()) },
		} {
			engines = append(engines, engine{name + "/" + codec, open, codec})
		}
	}
	return engines
}

// engines are those and a third party's, which keeps values itself.
func engines() []engine {
	return append(storing(), engine{"third party", func(testing.TB) session.Provider { return newShelf() }, "compact"})
}
