package memcache

import (
	"fmt"
	"hash/crc32"
	"net"
	"sync"
)

// servers choose the server of a key as gomemcache's ServerList, and therefore beego, does: by the key's CRC-32, among all
// servers, whether they answer or not. Unlike there, names are resolved at each connect, because a server that is restarted
// may have another IP address.
type servers []net.Addr

// PickServer implements [memcache.ServerSelector].
func (s servers) PickServer(key string) (net.Addr, error) {
	if len(s) == 1 {
		return s[0], nil
	}
	return s[crc32.ChecksumIEEE([]byte(key))%uint32(len(s))], nil
}

// Each implements [memcache.ServerSelector]. It calls f for all servers at once, so that several servers that are down take
// no longer than one.
func (s servers) Each(f func(net.Addr) error) error {
	var (
		wg   sync.WaitGroup
		errs = make([]error, len(s))
	)
	for i, addr := range s {
		wg.Go(func() { errs[i] = f(addr) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("server %s: %w", s[i], explain(err))
		}
	}
	return nil
}

// An address is not resolved.
type address struct{ network, text string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.text }
