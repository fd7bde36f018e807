package session

import (
	"strings"
	"testing"
)

func TestUnknownProviderNamesTheImport(t *testing.T) {
	for name, want := range map[string]string{
		ProviderMemory: `import _ "github.com/seed1a8f7c28/session/memory"`,
		"pgx":          `import _ "github.com/seed1a8f7c28/session/contrib/pgx"`,
		"nats":         `import _ "github.com/seed1a8f7c28/session/contrib/nats"`,
		ProviderLedis:  `import _ "github.com/seed1a8f7c28/session/contrib/ledis"`,
		ProviderSsdb:   `import _ "github.com/seed1a8f7c28/session/contrib/ssdb"`,
		"nosuch":       "a blank import of its package",
	} {
		if err := unknownProvider(name); !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
