package servertest

import "testing"

func TestMemcached(t *testing.T) {
	certs := NewCerts(t)
	for name, o := range map[string]MemcachedOptions{
		"plain": {}, "password": {User: "app", Password: "secret"}, "TLS": {TLS: certs}, "args": {Args: []string{"-I", "2m"}, Megabytes: 16},
	} {
		t.Run(name, func(t *testing.T) {
			s := StartMemcached(t, o)
			set := func() {
				t.Helper()
				c, err := dialMemcached(s.Addr, o)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if _, err := c.do("set key 0 0 1\r\nv", "STORED"); err != nil {
					t.Error(err)
				}
			}
			set()
			s.Kill(t)
			s.Start(t)
			set()
			if o.User == "" && o.TLS == nil {
				return
			}
			o := MemcachedOptions{}
			if c, err := dialMemcached(s.Addr, o); err == nil {
				defer c.Close()
				if line, err := c.do("get key", "END"); err == nil {
					t.Errorf("to anyone it answers %q", line)
				}
			}
		})
	}
	c, err := dialMemcached(Memcached(t).Addr, MemcachedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.do("get nothing", "END"); err != nil {
		t.Error(err)
	}
}
