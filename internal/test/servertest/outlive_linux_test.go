package servertest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const helperEnv = "SERVERTEST_END"

// TestHelper is not a test but what TestNothingOutlivesTheTestBinary runs: it starts servers, tells their processes,
// and ends as it is told.
func TestHelper(t *testing.T) {
	end := os.Getenv(helperEnv)
	if end == "" {
		t.Skip("run by TestNothingOutlivesTheTestBinary")
	}
	paused := StartMemcached(t, MemcachedOptions{})
	servers := []*Server{Redis(t), StartRedis(t, RedisOptions{}), Memcached(t), paused, Postgres(t).Server, MariaDB(t).Server}
	for _, s := range servers {
		family := []int{s.Pid()}
		children, err := childrenOf(family)
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range append(family, children...) {
			fmt.Println("pid", pid)
		}
	}
	paused.Pause(t)
	segment, err := postmaster(filepath.Join(servers[4].dir, "data"), 7)
	if err != nil {
		t.Fatal(err)
	}
	// Looked for here: by the time the test reads the line, this process may have ended and the segment with it.
	if !hasSegment(t, segment) {
		t.Fatalf("the kernel lists no segment %q of shared memory", segment)
	}
	fmt.Println("segment", segment)
	fmt.Println("folder", folders.root)
	fmt.Println("ready")
	switch end {
	case "kill":
		time.Sleep(time.Minute)
	case "panic":
		panic("as told")
	case "exit":
		os.Exit(1)
	}
}

func TestNothingOutlivesTheTestBinary(t *testing.T) {
	for _, server := range []string{"redis", "memcached", "postgresql", "mariadb"} {
		programs(t, server)
	}
	for _, end := range []string{"kill", "panic", "exit", "return"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$", "-test.timeout=2m")
			cmd.Env = append(os.Environ(), helperEnv+"="+end)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			said := readHelper(t, out)
			pids := said.pids
			if end == "kill" {
				if !anyRuns(pids[:1]) {
					t.Error("the first server does not run")
				}
				cmd.Process.Kill()
			}
			err = cmd.Wait()
			if ok := err == nil; ok != (end == "return") {
				t.Errorf("it ended with %v", err)
			}
			eventually(t, fmt.Sprintf("processes %v have ended", pids), func() bool { return !anyRuns(pids) })
			eventually(t, said.folder+" is removed", func() bool {
				_, err := os.Stat(said.folder)
				return os.IsNotExist(err)
			})
			if hasSegment(t, said.segment) {
				t.Errorf("the segment %v of shared memory is left", said.segment)
			}
		})
	}
}

type helperSaid struct {
	pids    []int
	folder  string
	segment string // key and id
}

func readHelper(t *testing.T, out io.Reader) helperSaid {
	t.Helper()
	var said helperSaid
	var all strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		all.WriteString(line + "\n")
		var pid int
		if n, _ := fmt.Sscanf(line, "pid %d", &pid); n == 1 {
			said.pids = append(said.pids, pid)
		}
		if segment, ok := strings.CutPrefix(line, "segment "); ok {
			said.segment = segment
		}
		fmt.Sscanf(line, "folder %s", &said.folder)
		if line == "ready" && len(said.pids) > 6 && said.folder != "" && said.segment != "" {
			return said
		}
	}
	t.Fatalf("the helper said\n%s", all.String())
	return said
}

// hasSegment looks into the kernel's list: a line for each segment of shared memory, key and id first.
func hasSegment(t *testing.T, segment string) bool {
	t.Helper()
	want := strings.Fields(segment)
	list, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > 2 && slices.Equal(fields[:2], want) {
			return true
		}
	}
	return false
}
