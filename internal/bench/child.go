package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tallyport/sim"
)

// usage is what a child used.
type usage struct {
	CPU  float64 `json:"cpu_seconds"` // user and system
	Wall float64 `json:"wall_seconds"`
	RSS  float64 `json:"peak_rss_mib"`
}

// run runs a command to its end and measures it.
func run(cmd *exec.Cmd) (usage, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	stop, peak := make(chan struct{}), make(chan int64)
	go watch(cmd.Process.Pid, stop, peak)
	err := cmd.Wait()
	u := usage{Wall: time.Since(began).Seconds()}
	close(stop)
	rss := <-peak
	state := cmd.ProcessState
	u.CPU = (state.UserTime() + state.SystemTime()).Seconds()
	if r, ok := state.SysUsage().(*syscall.Rusage); ok && rss == 0 {
		rss = r.Maxrss
	}
	u.RSS = float64(rss) / 1024
	if err != nil {
		return u, fmt.Errorf("%s: %w\n%s", cmd, err, said.Bytes())
	}
	return u, nil
}

// watch reads the peak of the process's memory until it ends. Maxrss would do,
// if it did not begin with the memory of the process that started the child.
func watch(pid int, stop <-chan struct{}, peak chan<- int64) {
	var most int64
	for {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
				if n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64); err == nil {
					most = max(most, n)
				}
			}
		}
		select {
		case <-stop:
			peak <- most
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// server is a world in a process of its own, so that a client's CPU is the
// client's alone.
type server struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader
	url string
}

// serveArg makes this program a server: the world it serves follows on stdin,
// and later by how much its clock moves on. The end of stdin is also the
// server's, however the parent ended.
const serveArg = "serve-world"

func start(w world) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, serveArg)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, in: in, out: out}
	err = json.NewEncoder(in).Encode(w.config())
	if err == nil {
		_, err = fmt.Fscanln(out, &s.url)
	}
	if err != nil {
		_, e := s.stop()
		return nil, errors.Join(fmt.Errorf("the server did not start: %w", err), e)
	}
	return s, nil
}

// advance moves the world's clock on.
func (s *server) advance(d time.Duration) error {
	var done time.Duration
	err := json.NewEncoder(s.in).Encode(d)
	if err == nil {
		_, err = fmt.Fscanln(s.out, &done)
	}
	return err
}

// stop ends the server, which says what it served.
func (s *server) stop() (served sim.Stats, err error) {
	err = s.in.Close()
	err = errors.Join(err, json.NewDecoder(s.out).Decode(&served))
	return served, errors.Join(err, s.cmd.Wait())
}

func serve() error {
	var cfg sim.Config
	orders := json.NewDecoder(os.Stdin)
	if err := orders.Decode(&cfg); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	world := sim.New(cfg)
	srv := &http.Server{Handler: world.Handler()}
	go func() {
		for later := time.Duration(0); orders.Decode(&later) == nil; fmt.Println(int64(later)) {
			world.Advance(later)
		}
		_ = srv.Close()
	}()
	if _, err := fmt.Printf("http://%s\n", l.Addr()); err != nil {
		return err
	}
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(world.Stats())
}

// get reads one address of a server into a file.
func get(url, file string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/vnd.mx.atrium.v1+json")
	req.Header.Set("MX-API-Key", sim.DefaultAPIKey)
	req.Header.Set("MX-Client-ID", sim.DefaultClientID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	return errors.Join(err, f.Close())
}

func keys() []string {
	return append(os.Environ(), "MX_API_KEY="+sim.DefaultAPIKey, "MX_CLIENT_ID="+sim.DefaultClientID)
}
