package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/valyala/fasthttp"

	"github.com/seed1a8f7c28/session/bench/workload"
)

// Env is the environment variable that makes this program the process of one library. It contains a [Place].
const Env = "BENCH_PLACE"

// Child handles requests until its standard input ends.
func Child() error {
	var place Place
	if err := json.Unmarshal([]byte(os.Getenv(Env)), &place); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	os.Stdout = os.Stderr // the output of a library must not look like an answer
	app, err := place.open()
	if err == nil {
		if err = workload.Check(app); err != nil {
			err = fmt.Errorf("does not do what is measured: %w", err)
		}
	}
	if err := out.Encode(answer(nil, err)); err != nil || app == nil {
		return err
	}
	c := &child{backend: place.Backend, app: app, cookies: make(map[string][]string)}
	in := json.NewDecoder(os.Stdin)
	for {
		var r Request
		switch err := in.Decode(&r); {
		case errors.Is(err, io.EOF):
			return app.Shut()
		case err != nil:
			return err
		}
		if err := out.Encode(answer(c.do(r))); err != nil {
			return err
		}
	}
}

func answer(v any, err error) reply {
	if err != nil {
		return reply{Error: err.Error()}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Answer: text}
}

type child struct {
	backend string
	app     *workload.App
	cookies map[string][]string // by workload
}

func (c *child) do(r Request) (any, error) {
	switch r.Do {
	case Lose:
		return workload.Lose(c.app)
	case Size:
		return workload.Size(c.app, r.N)
	case Serve:
		return c.serve()
	case Usage:
		return workload.Now(), nil
	}
	w, err := workload.Find(r.Workload)
	if err != nil {
		return nil, err
	}
	if c.cookies[w.Name] == nil {
		if c.cookies[w.Name], err = w.Sessions(c.app, Many(c.backend)); err != nil {
			return nil, err
		}
	}
	switch cookies := c.cookies[w.Name]; r.Do {
	case Measure:
		return w.Measure(c.app, cookies, r.For)
	case Send:
		return nil, w.Send(c.app, cookies, int64(r.N))
	case Cookies:
		return cookies, nil
	}
	return nil, fmt.Errorf("no request %q", r.Do)
}

// serve starts a server for the requests of all kinds. It runs until the process ends.
func (c *child) serve() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	if c.app.Fast != nil {
		handlers := make(map[string]fasthttp.RequestHandler)
		for _, op := range measured() {
			handlers[op.Path()] = c.app.Fast(op)
		}
		go func() {
			_ = fasthttp.Serve(listener, func(ctx *fasthttp.RequestCtx) { handlers[string(ctx.Path())](ctx) })
		}()
		return listener.Addr().String(), nil
	}
	handlers := make(map[string]http.Handler)
	for _, op := range measured() {
		handlers[op.Path()] = c.app.HTTP(op)
	}
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handlers[r.URL.Path].ServeHTTP(w, r)
		}))
	}()
	return listener.Addr().String(), nil
}

func measured() []workload.Op {
	return []workload.Op{{Kind: workload.Read}, {Kind: workload.Write}, {Kind: workload.Begin}, {Kind: workload.ReadAll}}
}
