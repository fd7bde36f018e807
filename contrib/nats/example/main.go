// Command example is a fleet that needs no other server: three nodes of an application, each with a NATS server inside. The
// servers keep the sessions among them. Each visitor's visits are counted, on whatever node.
//
//	go run ./example
//
// In production each node runs on a machine of its own:
//
//	example -node 1 -cluster 10.0.0.1:6222,10.0.0.2:6222,10.0.0.3:6222 -addr :8080 -dir /var/lib/app
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/nats"
)

func main() {
	number := flag.Int("node", 0, "the `number` of the only node to run; 0 runs all of them in this process")
	cluster := flag.String("cluster", "127.0.0.1:6222,127.0.0.1:6223,127.0.0.1:6224", "where the servers of all nodes talk to each other")
	addr := flag.String("addr", "127.0.0.1:8080", "the `host:port` for browsers; of several nodes, the next ones have the next ports")
	dir := flag.String("dir", "nats-data", "the `folder` for the servers' data")
	flag.Parse()
	if err := run(*number, strings.Split(*cluster, ","), *addr, *dir); err != nil {
		log.Fatal(err)
	}
}

func run(number int, cluster []string, addr, dir string) error {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for i := range cluster {
		if number != 0 && number != i+1 {
			continue
		}
		go func() {
			n, err := start(context.Background(), cluster, i, dir)
			if err == nil {
				err = n.serve(net.JoinHostPort(host, strconv.Itoa(port)))
			}
			ended <- err
		}()
		port++
	}
	return <-ended
}

// A node is one of the application's, with its server.
type node struct {
	nats     *server.Server
	conn     *natsgo.Conn
	sessions *session.Manager
}

// start starts node number i of a cluster. It returns when most of the nodes are there.
func start(ctx context.Context, cluster []string, i int, dir string) (*node, error) {
	name := "node" + strconv.Itoa(i+1)
	host, text, err := net.SplitHostPort(cluster[i])
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	o := &server.Options{
		ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: filepath.Join(dir, name), NoSigs: true,
		Cluster: server.ClusterOpts{Name: "sessions", Host: host, Port: port},
	}
	for _, other := range cluster {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: other})
	}
	n := &node{}
	if n.nats, err = server.NewServer(o); err != nil {
		return nil, err
	}
	n.nats.Start()
	n.conn, err = natsgo.Connect("", natsgo.InProcessServer(n.nats), natsgo.ReconnectBufSize(-1), natsgo.MaxReconnects(-1))
	for err == nil {
		n.sessions, err = session.New(nats.New(n.conn, nats.Bucket{Replicas: len(cluster)}), session.NewManagerConfig())
		if err == nil {
			return n, nil
		}
		log.Printf("%s waits for the others: %v", name, err)
		select {
		case <-ctx.Done():
			err = errors.Join(err, ctx.Err())
		case <-time.After(time.Second):
			err = nil
		}
	}
	n.close()
	return nil, err
}

// close ends the node. Its sessions go on in the others.
func (n *node) close() error {
	var err error
	if n.sessions != nil {
		err = n.sessions.Close()
	}
	if n.conn != nil {
		n.conn.Close()
	}
	n.nats.Shutdown()
	n.nats.WaitForShutdown()
	return err
}

func (n *node) serve(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("%s: open http://%s/ in a browser.\n", n.nats.Name(), l.Addr())
	s := &http.Server{Handler: n.visits(), ReadHeaderTimeout: 5 * time.Second}
	return s.Serve(l)
}

// visits answers with the number of the visitor's visits, to all nodes together.
func (n *node) visits() http.Handler {
	return n.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := n.sessions.FromContext(r.Context())
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		visits, err := s.Increment(r.Context(), "visits", 1)
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "visit number %d\n", visits)
	}))
}
