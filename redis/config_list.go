package redis

import (
	"strconv"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/internal/setting"
)

// parseList reads beego's form: the address, then up to six parts. Trailing parts may be missing, and any part may be
// empty. Semicolons separate several addresses.
//
//	redis, redis_cluster: addr,pool size,password,db,idle timeout,idle check,retries
//	redis_sentinel:       addr,pool size,password,db,master's name,idle timeout,idle check,retries
//
// Times are in seconds; 0 or less means the default. The idle check and the retries are ignored.
func (c *config) parseList(text string) error {
	s := &c.settings
	fields := []listField{
		{"pool size", number(&s.PoolSize)},
		{"password", func(v string) bool { s.Password = v; return true }},
		{"database", number(&s.DB)},
		{"idle timeout", seconds(&s.IdleTimeout)},
		{"idle check", seconds(new(time.Duration))},
		{"retries", number(new(int))},
	}
	if c.kind == sentinel {
		master := listField{"master's name", func(v string) bool { s.MasterName = v; return true }}
		fields = append(fields[:3:3], append([]listField{master}, fields[3:]...)...)
	}
	addrs, rest, more := strings.Cut(text, ",")
	if addrs != "" {
		c.addrs = strings.Split(addrs, ";")
	}
	if !more {
		return nil
	}
	values := strings.Split(rest, ",")
	if len(values) > len(fields) {
		return setting.Wrong("", "there are %d parts, want at most %d; a password with a comma needs a JSON object or a URL",
			len(values)+1, len(fields)+1)
	}
	for i, v := range values {
		if v != "" && !fields[i].set(v) {
			return setting.Wrong("", "part %d, the %s, is not a valid number", i+2, fields[i].name)
		}
	}
	return nil
}

// A listField is one part after the address.
type listField struct {
	name string
	set  func(v string) bool
}

func number(p *int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(strings.TrimSpace(v))
		*p = n
		return err == nil && n >= 0
	}
}

func seconds(p *time.Duration) func(string) bool {
	return func(v string) bool {
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 32)
		*p = time.Duration(max(n, 0)) * time.Second
		return err == nil
	}
}
