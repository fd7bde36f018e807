package sqltest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// setUp checks what the schema setting does with the table.
func (e Engine) setUp(t *testing.T) {
	config := func(dsn, table, schema string) string {
		return fmt.Sprintf(`{"dsn": %q, "table": %q, "schema": %q}`, dsn, table, schema)
	}
	open := func(config string) error {
		m, err := session.New(e.Provider(), session.NewManagerConfig(session.CfgProviderConfig(config)))
		if err == nil {
			_, err = m.GetProvider().SessionRead(t.Context(), strings.Repeat("0123456789abcdef", 2))
			m.Close()
		}
		return err
	}
	dsn := e.Empty(t)
	db := e.DB(t, dsn)
	Exec(t, db, "CREATE TABLE others (id INTEGER, title VARCHAR(10))")
	byHand := strings.NewReplacer("{table}", "by_hand", "{name}", "by_hand").Replace(e.Dialect().Schema)
	for statement := range strings.SplitSeq(strings.TrimSpace(byHand), ";\n") {
		Exec(t, db, statement)
	}
	for _, tt := range []struct{ name, config, says string }{
		{"checked, not there", config(dsn, "app_sessions", "check"), "cannot read the table app_sessions"},
		{"checked, made by nobody", config(dsn, "app_sessions", "check"), "run the statements of schema.2.sql of package "},
		{"checked, made by hand", config(dsn, "by_hand", "check"), ""},
		{"another application's", config(dsn, "others", "create"), "lacks the columns ns, version, user_id"},
		{"made", config(dsn, "app_sessions", "create"), ""},
		{"checked", config(dsn, "app_sessions", "check"), ""},
		{"not looked at", config(dsn, "app_sessions", "off"), ""},
		{"a reserved word", config(dsn, "order", "create"), ""},
		{"not looked at, not there", config(dsn, "nowhere", "off"), "nowhere"},
	} {
		err := open(tt.config)
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
	Exec(t, db, "ALTER TABLE app_sessions DROP COLUMN deadline_at")
	if err := open(config(dsn, "app_sessions", "create")); err == nil || !strings.Contains(err.Error(), "lacks the columns deadline_at") {
		t.Errorf("without a column: %v", err)
	}

	fresh := e.Empty(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			p := e.Provider()
			if err := p.SessionInit(context.Background(), 60, fresh); err != nil {
				t.Errorf("nodes that make the table together: %v", err)
				return
			}
			p.(io.Closer).Close()
		})
	}
	wg.Wait()
}
