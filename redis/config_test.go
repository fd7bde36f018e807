package redis

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// with returns the default settings, changed.
func with(change func(s *settings)) settings {
	s := defaults
	change(&s)
	return s
}

func TestConfig(t *testing.T) {
	local := []string{"127.0.0.1:6379"}
	pair := []string{"10.0.0.1:7000", "10.0.0.2:7000"}
	none := func(*settings) {}
	for _, tt := range []struct {
		name  string
		kind  kind
		text  string
		addrs []string
		want  func(s *settings)
	}{
		{"empty", single, "", local, none},
		{"blank", single, " \n", local, none},
		{"beego's example", single, "127.0.0.1:6379,100,astaxie", local, func(s *settings) { s.PoolSize, s.Password = 100, "astaxie" }},
		{"beego's other example", single, "127.0.0.1:6379,100,astaxie,0,30", local, func(s *settings) {
			s.PoolSize, s.Password, s.IdleTimeout = 100, "astaxie", 30*time.Second
		}},
		{"list, all parts", single, "127.0.0.1:6379,100,,2,30,60,3", local, func(s *settings) {
			s.PoolSize, s.DB, s.IdleTimeout = 100, 2, 30*time.Second
		}},
		{"list, cluster", cluster, "10.0.0.1:7000;10.0.0.2:7000,5,secret,0", pair, func(s *settings) { s.PoolSize, s.Password = 5, "secret" }},
		{"list, sentinel", sentinel, "10.0.0.1:7000;10.0.0.2:7000,100,secret,1,main,30,60", pair, func(s *settings) {
			s.PoolSize, s.Password, s.DB, s.MasterName, s.IdleTimeout = 100, "secret", 1, "main", 30*time.Second
		}},
		{"list, sentinel without a name", sentinel, "10.0.0.1:7000;10.0.0.2:7000", pair, none},
		{
			"beego's JSON", single, `{"save_path":"127.0.0.1:6379","poolsize":10,"password":"x","db_num":3,"idle_timeout":"1m","idle_check_frequency":"10s","max_retries":3}`,
			local, func(s *settings) { s.PoolSize, s.Password, s.DB, s.IdleTimeout = 10, "x", 3, time.Minute },
		},
		{
			"beego's JSON, sentinel", sentinel, `{"save_path":"10.0.0.1:7000;10.0.0.2:7000","master_name":"main"}`, pair,
			func(s *settings) { s.MasterName = "main" },
		},
		{
			"JSON", cluster, `{"addrs":["10.0.0.1:7000","10.0.0.2:7000"],"username":"u","password":"p","readTimeout":1.5,"dialTimeout":"250ms","waitReplicas":1,"waitTimeout":1}`,
			pair, func(s *settings) {
				s.Username, s.Password, s.ReadTimeout, s.DialTimeout = "u", "p", 1500*time.Millisecond, 250*time.Millisecond
				s.WaitReplicas, s.WaitTimeout = 1, time.Second
			},
		},
		{"URL", single, "redis://127.0.0.1", local, none},
		{"URL with a login", single, "rediss://us%3Aer:p%2Fw%40:x@[::1]:1/5?poolSize=7&idleTimeout=5m", []string{"[::1]:1"}, func(s *settings) {
			s.Username, s.Password, s.DB, s.PoolSize, s.IdleTimeout, s.TLS = "us:er", "p/w@:x", 5, 7, 5*time.Minute, true
		}},
		{"URL with a password alone", single, "redis://:p@127.0.0.1:6379/", local, func(s *settings) { s.Password = "p" }},
		{"URL, IPv6 without a port", single, "redis://[::1]", []string{"[::1]:6379"}, none},
		{"URL, cluster", cluster, "redis+cluster://u:p@10.0.0.1:7000,10.0.0.2:7000", pair, func(s *settings) { s.Username, s.Password = "u", "p" }},
		{"URL, sentinel", sentinel, "rediss+sentinel://:p@a,b:7/main/2?sentinelPassword=s&tlsServerName=x", []string{"a:26379", "b:7"}, func(s *settings) {
			s.Password, s.MasterName, s.DB, s.SentinelPassword, s.TLSServerName, s.TLS = "p", "main", 2, "s", "x", true
		}},
		{"URL, socket", single, "unix:///run/redis.sock?db=1", []string{"/run/redis.sock"}, func(s *settings) { s.DB = 1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parse(tt.kind, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(c.addrs, tt.addrs) {
				t.Errorf("addresses %q, want %q", c.addrs, tt.addrs)
			}
			if want := with(tt.want); c.settings != want {
				t.Errorf("settings\n%+v, want\n%+v", c.settings, want)
			}
			if (c.tls != nil) != c.settings.TLS {
				t.Errorf("TLS is %v", c.tls != nil)
			}
		})
	}
}

const secret = "s3cr3t"

func TestConfigError(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "not.pem")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name        string
		kind        kind
		text        string
		field, says string
	}{
		{"no port", single, "127.0.0.1", "", "host:port"},
		{"port zero", single, "127.0.0.1:0,1," + secret, "", "65535"},
		{"port too high", single, "127.0.0.1:65536", "", "65535"},
		{"port of letters", single, "127.0.0.1:x", "", "65535"},
		{"two addresses", single, "127.0.0.1:1;127.0.0.1:2", "", "redis_cluster"},
		{"no address, cluster", cluster, "", "", "redis_cluster"},
		{"no address, sentinel", sentinel, "{}", "", "redis_sentinel"},
		{"empty address", cluster, "127.0.0.1:1;", "", "address 2"},
		{"list, pool size", single, "127.0.0.1:1,many," + secret, "", "pool size"},
		{"list, pool size below 0", single, "127.0.0.1:1,-1," + secret, "", "pool size"},
		{"list, database", single, "127.0.0.1:1,1," + secret + ",x", "", "database"},
		{"list, idle timeout", single, "127.0.0.1:1,1," + secret + ",0,x", "", "idle timeout"},
		{"list, too many parts", single, "127.0.0.1:1,1,a,b,c,d,e," + secret, "", "8 parts"},
		{"database of a cluster", cluster, "127.0.0.1:1,1,,1", "db", "cluster"},
		{"JSON, broken", single, `{"password": "` + secret + `"`, "", ""},
		{"JSON, unknown key", single, `{"adr": "` + secret + `"}`, "adr", "unknown"},
		{"JSON, wrong type", single, `{"password": 1}`, "password", "string"},
		{"JSON, wrong type of poolSize", single, `{"poolSize": "` + secret + `"}`, "poolSize", "int"},
		{"JSON, given twice", single, `{"poolSize": 1, "poolsize": 2}`, "poolsize", "twice"},
		{"JSON, duration", single, `{"readTimeout": "` + secret + `"}`, "readTimeout", "seconds"},
		{"JSON, beego's duration", single, `{"idle_timeout": "` + secret + `"}`, "idle_timeout", "seconds"},
		{"JSON, both addresses", single, `{"addr": "a:1", "save_path": "b:1"}`, "addrs", "twice"},
		{"negative database", single, `{"db": -1}`, "db", "negative"},
		{"negative pool", single, `{"poolSize": -1}`, "poolSize", "negative"},
		{"no read timeout", single, `{"readTimeout": 0}`, "readTimeout", "millisecond"},
		{"negative dial timeout", single, `{"dialTimeout": -1}`, "dialTimeout", "millisecond"},
		{"negative idle timeout", single, `{"idleTimeout": -1}`, "idleTimeout", "negative"},
		{"waits too long", single, `{"waitReplicas": 1, "waitTimeout": 3}`, "waitTimeout", "readTimeout"},
		{"user without password", single, `{"username": "u"}`, "username", "password"},
		{"sentinel's password", single, `{"sentinelPassword": "` + secret + `"}`, "sentinelPassword", "redis_sentinel"},
		{"no master", sentinel, `{"addr": "a:1", "masterName": ""}`, "masterName", "empty"},
		{"no CA", single, `{"tlsCA": "/nowhere/ca.pem"}`, "tlsCA", "no such file"},
		{"CA without certificate", single, `{"tlsCA": "` + notPEM + `"}`, "tlsCA", "no certificate"},
		{"no key", single, `{"tlsCert": "` + notPEM + `"}`, "tlsKey", "missing"},
		{"no certificate", single, `{"tlsKey": "` + notPEM + `"}`, "tlsCert", "missing"},
		{"broken certificate", single, `{"tlsCert": "` + notPEM + `", "tlsKey": "` + notPEM + `"}`, "tlsCert", "PEM"},
		{"URL, scheme", single, "http://u:" + secret + "@h", "", "redis://"},
		{"URL, other kind", single, "redis+cluster://u:" + secret + "@h", "", "redis_cluster"},
		{"URL, no kind", single, "redis+x://u:" + secret + "@h", "", "sentinel"},
		{"URL, escape", single, "redis://u:" + secret + "%zz@h", "", "percent-encoded"},
		{"URL, slash in the password", single, "redis://u:" + secret + "/x@h", "", ""},
		{"URL, question mark in the password", single, "redis://u:" + secret + "?x@h", "", ""},
		{"URL, database", single, "redis://h/" + secret, "db", "number"},
		{"URL, unknown parameter", single, "redis://h?poolsize=1", "poolsize", "unknown"},
		{"URL, parameter twice", single, "redis://h?poolSize=1&poolSize=2", "poolSize", "twice"},
		{"URL, wrong parameter", single, "redis://h?poolSize=" + secret, "poolSize", "number"},
		{"URL, wrong duration", single, "redis://h?readTimeout=" + secret, "readTimeout", "seconds"},
		{"URL, no host", cluster, "redis://", "", "address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(tt.kind, tt.text)
			field := "providerConfig"
			if tt.field != "" {
				field += "." + tt.field
			}
			c, ok := errors.AsType[*session.ConfigError](err)
			switch {
			case tt.name == "URL, slash in the password" && err == nil: // the last @ ends the login
			case !ok:
				t.Fatalf("%v, want a *ConfigError", err)
			case tt.says != "" && c.Field != field, !strings.Contains(err.Error(), tt.says):
				t.Errorf("%v; want a *ConfigError of %s that says %q", err, field, tt.says)
			case strings.Contains(err.Error(), secret):
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

// TestMaxPoolSize: beego's variable counts where the config names no pool size.
func TestMaxPoolSize(t *testing.T) {
	defer func() { MaxPoolSize = 0 }()
	MaxPoolSize = 7
	for text, want := range map[string]int{
		"127.0.0.1:6379": 7, "127.0.0.1:6379,0,secret": 7, "redis://127.0.0.1": 7, `{"addr": "127.0.0.1:6379"}`: 7,
		"127.0.0.1:6379,5": 5, "redis://127.0.0.1?poolSize=5": 5, `{"addr": "127.0.0.1:6379", "poolSize": 5}`: 5,
	} {
		c, err := parse(single, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.settings.PoolSize; got != want {
			t.Errorf("%s: %d connections, want %d", text, got, want)
		}
	}
	MaxPoolSize = -1
	if _, err := parse(single, ""); err == nil || !strings.Contains(err.Error(), "poolSize") {
		t.Errorf("a negative MaxPoolSize: %v", err)
	}
}

// FuzzConfig checks that no text makes parse panic, that errors are of one kind and show no password, and that what
// is accepted can be connected with.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"", "127.0.0.1:6379,100,astaxie,0,30", "a:1;b:2,1,x,0,main,1,1", `{"addr":"a:1","password":"x"}`, `{"save_path":"a:1;b:2"}`,
		"rediss://u:p@h:1/2?poolSize=3", "redis+sentinel://a,b/main/1?x=y", "unix:///s", "redis://u:%zz@[::1", `{"idle_timeout":"1s"}`,
	} {
		for k := range names {
			f.Add(text, k)
		}
	}
	f.Fuzz(func(t *testing.T, text string, k int) {
		if k < 0 || k >= len(names) {
			return
		}
		c, err := parse(kind(k), text)
		if err != nil {
			if _, ok := errors.AsType[*session.ConfigError](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if c.kind == single && len(c.addrs) != 1 || len(c.addrs) == 0 {
			t.Fatalf("%d addresses", len(c.addrs))
		}
		if c.settings.PoolSize > 1000 {
			return // it is allocated
		}
		c.connect().Close()
	})
}
