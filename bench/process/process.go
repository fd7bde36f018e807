package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A Process is a process with one library opened on one backend.
type Process struct {
	place Place
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *json.Decoder
	log   bytes.Buffer // shown if it fails
}

// Start starts a process. It returns an error if the library does not return the stored values.
func Start(place Place) (*Process, error) {
	text, err := json.Marshal(place)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{place: place, cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), Env+"="+string(text))
	p.cmd.Stderr = &p.log
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.read(nil); err != nil {
		return nil, errors.Join(p.failed(err), p.Close())
	}
	return p, nil
}

// Ask makes the process do r, and decodes its answer into the pointer answer, which is nil if there is no answer.
func (p *Process) Ask(r Request, answer any) error {
	if err := json.NewEncoder(p.in).Encode(r); err != nil {
		return p.failed(err)
	}
	return p.read(answer)
}

// patience limits the time that a process may take for one request.
const patience = 2 * time.Minute

func (p *Process) read(answer any) error {
	timer := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	var r reply
	if err := p.out.Decode(&r); err != nil {
		return p.failed(err)
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(r.Answer, answer)
}

func (p *Process) failed(err error) error {
	return fmt.Errorf("%s on %s: %w", p.place.Library, p.place.Backend, err)
}

// Close ends the process.
func (p *Process) Close() error {
	err := p.in.Close()
	timer := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	if waitErr := p.cmd.Wait(); waitErr != nil {
		err = errors.Join(err, p.failed(fmt.Errorf("%w\n%s", waitErr, p.log.Bytes())))
	}
	return err
}
