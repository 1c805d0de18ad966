using System.Collections.Immutable;
using System.Security.Cryptography;
using Gateway.Engine.Control;
using Gateway.Engine.Drops;
using Gateway.Engine.Flows;
using Gateway.Engine.Forensics;
using Gateway.Engine.Ports;
using Gateway.Engine.Probes;
using Gateway.Engine.Recorder;
using Gateway.Engine.Routing;
using Gateway.Engine.Taps;
using Gateway.Protocol;
using Microsoft.Extensions.Logging;

namespace Gateway.Engine;

/// <summary>
/// One tunnel while it is configured: its peers and routes (which outlive a failed device), and the ports and data threads while it is up.
/// Everything that changes it runs on the control thread; the data threads read what they need through the members of the first part.
/// </summary>
internal sealed partial class Tunnel : IDisposable
{
    /// <summary>Time to the next attempt after a failure; the last one repeats.</summary>
    private static readonly TimeSpan[] s_backOff = [.. new[] { 1, 2, 4, 8, 16, 30 }.Select(seconds => TimeSpan.FromSeconds(seconds))];

    /// <summary>Ethernet frames from one peer to another that may wait for the outbound thread. More means a flood: the rest is dropped and counted.</summary>
    private const int MaxPassing = 1024;

    private readonly ControlLoop _loop;
    private readonly ITunnelPorts _ports;
    private readonly ILogger _logger;
    private readonly Action<DataPlaneEvent> _report;
    private readonly PeerTable _peerTable;
    private readonly ITimer _retry;

    // While up.
    private ITunnelDevice? _device;
    private volatile IDatagramSocket? _socket;
    private Outbound? _outbound;
    private Inbound? _inbound;
    private Thread? _outboundThread;
    private Thread? _inboundThread;
    private LinkSettings? _link;
    private IReadOnlyList<LinkProblem> _linkProblems = [];
    private LinkProblem? _socketProblem;
    private int _generation;
    private int _failures;
    private int _passing;
    private bool _closed;
    private Task _opening = Task.CompletedTask;
    private Task _configuring = Task.CompletedTask;

    public Tunnel(TunnelConfig config, DataPlaneOptions options, ITunnelPorts ports, ICryptoPrimitives crypto, EngineClock clock, ControlLoop loop, Action<DataPlaneEvent> report, ILogger logger)
    {
        Config = config;
        Clock = clock;
        _loop = loop;
        _ports = ports;
        _report = report;
        _logger = logger;
        Flows = new FlowTable(options.FlowCapacity);
        Tap = new PacketTap(snapBytes: options.PacketSnapBytes, isEthernet: config.Layer == TunnelLayer.Ethernet);
        Recorder = new FlightRecorder(options.RecordedPeers);
        Drops = new DropLedger(isEthernet: config.Layer == TunnelLayer.Ethernet);
        if (config.Layer == TunnelLayer.Ethernet) Switch = new EthernetSwitch();
        if (config.Transport == TunnelTransport.WireGuard)
        {
            Handshakes = new Handshakes(this, loop);
            Identity = new WireGuardDevice(config.PrivateKey ?? UnknownKey(), crypto, RandomNumberGenerator.Create(), Handshakes);
        }

        _peerTable = new PeerTable(this, loop);
        _retry = clock.Provider.CreateTimer(_ => loop.Post(() => { if (!_closed && State == TunnelState.Failed) _ = OpenAsync(); }), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Status = new PortsStatus(TunnelState.Opening, config.Name, 0, config.Mtu, [], [], null, null, null);
    }

    // What the data threads see.

    public EngineClock Clock { get; }

    public FlowTable Flows { get; }

    public PacketTap Tap { get; }

    /// <summary>The last packets of each peer.</summary>
    public FlightRecorder Recorder { get; }

    /// <summary>What was not passed on, in detail; the arrays below only count.</summary>
    public DropLedger Drops { get; }

    /// <summary>Null on the IP layer.</summary>
    public EthernetSwitch? Switch { get; }

    /// <summary>WireGuard's side of the tunnel; null on the plain transport.</summary>
    public WireGuardDevice? Identity { get; }

    public Handshakes? Handshakes { get; }

    /// <summary>Probes under way.</summary>
    public ProbeWatches Probes { get; } = new();

    /// <summary>Who tried to shake hands, and how it went.</summary>
    public HandshakeLedger HandshakeLedger { get; } = new();

    /// <summary>Allowed IPs of all peers; an immutable table is swapped.</summary>
    public RouteTable<Peer> Routes => _peerTable.Routes;

    /// <summary>In configured order; a whole array is swapped.</summary>
    public Peer[] Peers => _peerTable.Peers;

    public Peer? FindPeer(Guid id) => _peerTable.Find(id);

    public CommandQueue OutboundCommands { get; } = new();

    public CommandQueue InboundCommands { get; } = new();

    /// <summary>Each array has one writing thread.</summary>
    public long[] OutboundDrops { get; } = new long[DropReasons.Count];

    public long[] InboundDrops { get; } = new long[DropReasons.Count];

    public long[] ControlDrops { get; } = new long[DropReasons.Count];

    public void RequestService(Peer peer)
    {
        if (peer.TryMarkServicePending()) _loop.PostService(this, peer);
    }

    public bool PostHandshake(ReadOnlySpan<byte> message, in UdpEndpoint source) => _loop.PostHandshake(this, message, in source);

    public void PostOutbound(in Command command)
    {
        OutboundCommands.Add(command);
        _device?.WakeReader();
    }

    public void PostInbound(in Command command)
    {
        InboundCommands.Add(command);
        _socket?.WakeReceiver();
    }

    /// <summary>Inbound thread. Copies a frame for the outbound thread to send to the peer; false when too many wait.</summary>
    public bool TryPassOn(Peer peer, ReadOnlySpan<byte> frame)
    {
        if (Volatile.Read(ref _passing) >= MaxPassing) return false;
        Interlocked.Increment(ref _passing);
        PostOutbound(new Command(CommandKind.PassOn, peer, Frame: frame.ToArray()));
        return true;
    }

    /// <summary>Whoever takes a passed-on frame out of the queue makes room for another.</summary>
    public void NotePassedOn() => Interlocked.Decrement(ref _passing);

    /// <summary>Control thread. A handshake message that was refused, or could not be sent.</summary>
    public void CountControlDrop(Peer? peer, DropReason reason)
    {
        ControlDrops[(int)reason]++;
        if (peer is not null) peer.HandshakeDrops[(int)reason]++;
        Drops.Control.Record(peer?.Index ?? -1, reason, 1, [], Clock.Now.Ticks);
    }

    public void Report(DataPlaneEvent happened) => _report(happened);

    public void ReportEndpoint(Peer peer)
    {
        if (peer.Endpoint is { } endpoint) peer.EndpointMoves.Add(in endpoint.Value, Clock.Now);
        Report(new DataPlaneEvent(DataPlaneEventKind.EndpointMoved, Config.Id, peer.Config.Id, peer.Endpoint?.Value.ToString()));
    }

    /// <summary>Said once: the data path goes on without it.</summary>
    public void ReportOffloadOff(string offload)
    {
        LogOffloadOff(Config.Name, offload);
        Report(new DataPlaneEvent(DataPlaneEventKind.OffloadOff, Config.Id, null, offload));
        _loop.Post(() => Status = Status with { Offloads = Status.Offloads.Remove(offload) });
    }

    // What the control thread does.

    public TunnelConfig Config { get; private set; }

    /// <summary>Whether it has left the configuration; messages that still wait for it are ignored.</summary>
    public bool IsClosed => _closed;

    public IDatagramSocket? Socket => _socket;

    public TunnelState State => Status.State;

    /// <summary>The part of the status that changes with the ports; an immutable object is swapped.</summary>
    public PortsStatus Status { get; private set; }

    /// <summary>
    /// Takes a new configuration. What can change in place does: peers that stay keep their sessions. The task ends when device and socket follow.
    /// </summary>
    public Task ApplyAsync(TunnelConfig config)
    {
        var old = Config;
        Config = config;
        if (!Equals(config.PrivateKey, old.PrivateKey)) _peerTable.ChangeIdentity(config.PrivateKey ?? UnknownKey());
        _peerTable.Apply(config.Peers, isUp: State == TunnelState.Up);
        if (State == TunnelState.Up) return FollowAsync(old);
        return State == TunnelState.Opening && _generation > 0 ? _opening : OpenAsync();
    }

    /// <summary>Brings device and socket from an earlier configuration to this one.</summary>
    private Task FollowAsync(TunnelConfig old)
    {
        var config = Config;
        if (config.Name != old.Name || config.ManageLink != old.ManageLink)
        {
            Close();
            return OpenAsync();
        }

        if (config.ListenPort != old.ListenPort || config.FirewallMark != old.FirewallMark) RebindSocket(old);
        return State == TunnelState.Up ? ConfigureLinkAsync() : Task.CompletedTask;
    }

    /// <summary>Opens device and socket away from the control thread: with many routes it takes a while.</summary>
    public Task OpenAsync()
    {
        var generation = ++_generation;
        var config = Config;
        var wanted = new LinkSettings(config.Mtu, config.Addresses, config.KernelRoutes);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Status = Status with { State = TunnelState.Opening };
        _ = Task.Run(() =>
        {
            ITunnelDevice? device = null;
            IDatagramSocket? socket = null;
            try
            {
                device = _ports.OpenDevice(new DeviceRequest(config.Name, config.Layer));
                socket = _ports.OpenSocket(new SocketRequest(config.ListenPort, config.FirewallMark));
                var problems = config.ManageLink ? device.Configure(wanted) : [];
                _loop.Post(() => { Opened(generation, config, device, socket, wanted, problems); done.SetResult(); });
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                socket?.Dispose();
                device?.Dispose();
                _loop.Post(() => { Failed(generation, exception.Message, (exception as PortException)?.Remedy); done.SetResult(); });
            }
        });
        return _opening = done.Task;
    }

    private void Opened(int generation, TunnelConfig opened, ITunnelDevice device, IDatagramSocket socket, LinkSettings link, IReadOnlyList<LinkProblem> problems)
    {
        if (generation != _generation || _closed)
        {
            socket.Dispose();
            device.Dispose();
            return;
        }

        _device = device;
        _socket = socket;
        _socketProblem = null;
        _link = link;
        _failures = 0;
        SetUp(problems);
        StartThreads();
        LogUp(device.Name, socket.Port);
        Report(new DataPlaneEvent(DataPlaneEventKind.TunnelUp, Config.Id, null, device.Name));
        _peerTable.DialAll();
        // The configuration may have changed while it was opened.
        if (!ReferenceEquals(opened, Config)) _ = FollowAsync(opened);
    }

    private void SetUp(IReadOnlyList<LinkProblem> linkProblems)
    {
        var device = _device!;
        _linkProblems = linkProblems;
        Status = new PortsStatus(TunnelState.Up, device.Name, _socket!.Port, device.Mtu, _socketProblem is null ? [.. linkProblems] : [.. linkProblems, _socketProblem], Offloads(), null, null, null);
    }

    private ImmutableArray<string> Offloads()
    {
        var offloads = ImmutableArray.CreateBuilder<string>();
        if (_device!.HasVnetHeader) offloads.AddRange("vnet_hdr", "TSO");
        if (_device.HasUdpSegmentation) offloads.Add("USO");
        if (_socket!.MaxSegments > 1) offloads.AddRange("UDP GSO", "UDP GRO");
        return offloads.DrainToImmutable();
    }

    private void Failed(int generation, string cause, string? remedy)
    {
        if (generation != _generation || _closed) return;
        Close();
        var delay = s_backOff[Math.Min(_failures++, s_backOff.Length - 1)];
        _retry.Change(delay, Timeout.InfiniteTimeSpan);
        Status = new PortsStatus(TunnelState.Failed, Config.Name, 0, Config.Mtu, [], [], cause, remedy ?? "It is opened again by itself.", Clock.Provider.GetUtcNow() + delay);
        LogFailed(Config.Name, cause.TrimEnd('.'), (int)delay.TotalSeconds);
        Report(new DataPlaneEvent(DataPlaneEventKind.TunnelFailed, Config.Id, null, cause));
    }

    /// <summary>Moves to another port or mark. The new socket is bound first, so that a port in use leaves what runs running.</summary>
    private void RebindSocket(TunnelConfig old)
    {
        var request = new SocketRequest(Config.ListenPort, Config.FirewallMark);
        var samePort = Config.ListenPort != 0 && Config.ListenPort == _socket!.Port;
        try
        {
            var socket = samePort ? null : _ports.OpenSocket(request);
            StopThreads();
            _socket!.Dispose();
            _socket = socket ?? _ports.OpenSocket(request);
            _socketProblem = null;
            SetUp(_linkProblems);
            StartThreads();
        }
        catch (PortException exception) when (!samePort)
        {
            // What runs goes on; the next change tries again, as the configuration still differs from what runs.
            Config = Config with { ListenPort = old.ListenPort, FirewallMark = old.FirewallMark };
            _socketProblem = new LinkProblem($"UDP port {request.Port}", exception.Message, exception.Remedy);
            SetUp(_linkProblems);
        }
        catch (PortException exception)
        {
            Failed(_generation, exception.Message, exception.Remedy);
        }
    }

    private Task ConfigureLinkAsync()
    {
        if (!Config.ManageLink) return Task.CompletedTask;
        var wanted = new LinkSettings(Config.Mtu, Config.Addresses, Config.KernelRoutes);
        if (_link is { } link && link.Mtu == wanted.Mtu && Same(link.Addresses, wanted.Addresses) && Same(link.Routes, wanted.Routes) && _linkProblems.Count == 0) return Task.CompletedTask;
        _link = wanted;
        var (generation, device) = (_generation, _device!);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // One after the other: the newest settings are applied last.
        _configuring = _configuring.ContinueWith(
            _ =>
            {
                IReadOnlyList<LinkProblem> problems;
                try
                {
                    problems = device.Configure(wanted);
                }
                catch (Exception exception) when (exception is PortException or ObjectDisposedException)
                {
                    problems = [new LinkProblem($"device {device.Name}", exception.Message, (exception as PortException)?.Remedy ?? "It is opened again by itself.")];
                }

                _loop.Post(() =>
                {
                    if (generation == _generation && State == TunnelState.Up) SetUp(problems);
                    done.SetResult();
                });
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return done.Task;
    }

    private static bool Same<T>(ImmutableArray<T> a, ImmutableArray<T> b) => a == b || a.AsSpan().SequenceEqual(b.AsSpan());

    /// <summary>Without a key nobody can reach this end: a key that nobody knows says the same.</summary>
    private static PrivateKey UnknownKey()
    {
        using var random = RandomNumberGenerator.Create();
        return PrivateKey.Generate(random);
    }

    private void StartThreads()
    {
        var (device, socket, generation) = (_device!, _socket!, _generation);
        _outbound = new Outbound(this, device, socket);
        _inbound = new Inbound(this, device, socket);
        _outboundThread = StartThread($"{device.Name}-out", _outbound.Run, generation);
        _inboundThread = StartThread($"{device.Name}-in", _inbound.Run, generation);
    }

    private Thread StartThread(string name, Func<string?> run, int generation)
    {
        var thread = new Thread(() =>
        {
            string? cause;
            try
            {
                cause = run();
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                LogBug(exception, name);
                cause = $"an internal error: {exception.Message}";
            }

            if (cause is not null) _loop.Post(() => Failed(generation, cause, null));
        })
        {
            Name = name,
            IsBackground = true,
        };
        thread.Start();
        return thread;
    }

    private void StopThreads()
    {
        _outbound?.Stop();
        _inbound?.Stop();
        _outboundThread?.Join();
        _inboundThread?.Join();
        _outbound?.Dispose();
        _inbound?.Dispose();
        _outbound = null;
        _inbound = null;
        _outboundThread = null;
        _inboundThread = null;
    }

    /// <summary>Nobody reads the queues now: keys are erased here, and who waits for an answer gets one.</summary>
    private void RunLeftCommands()
    {
        foreach (var queue in (ReadOnlySpan<CommandQueue>)[OutboundCommands, InboundCommands])
        {
            while (queue.TryTake(out var command))
            {
                command.Keys?.Dispose();
                command.Injection?.Complete("The tunnel is not up.");
                if (command.Kind == CommandKind.PassOn) NotePassedOn();
                if (command.Kind == CommandKind.DropWaiting) command.Peer!.Waiting.Clear();
            }
        }
    }

    /// <summary>No new packet finds these keys. They are erased when both data threads have passed a point where they hold none.</summary>
    public void Retire(KeyPair keys)
    {
        if (_outboundThread is null) keys.Dispose();
        else PostOutbound(new Command(CommandKind.Retire, Keys: keys));
    }

    private void Close()
    {
        StopThreads();
        RunLeftCommands();
        _socket?.Dispose();
        _socket = null;
        _device?.Dispose();
        _device = null;
        _link = null;
        _generation++;
    }

    /// <summary>For good: the tunnel has left the configuration, or the data plane stops.</summary>
    public void Dispose()
    {
        _closed = true;
        _retry.Dispose();
        Close();
        foreach (var peer in Peers) peer.IsRemoved = true;
        Identity?.Dispose();
        RunLeftCommands();
        Flows.Dispose();
        Tap.Dispose();
        Recorder.Dispose();
        Drops.Dispose();
        LogClosed(Config.Name);
    }

    [LoggerMessage(EventId = 110, Level = LogLevel.Information, Message = "Tunnel {Tunnel} is up, UDP port {Port}")]
    private partial void LogUp(string tunnel, int port);

    [LoggerMessage(EventId = 111, Level = LogLevel.Warning, Message = "Tunnel {Tunnel} is down: {Cause}. Next attempt in {Seconds} s")]
    private partial void LogFailed(string tunnel, string cause, int seconds);

    [LoggerMessage(EventId = 112, Level = LogLevel.Information, Message = "Tunnel {Tunnel} is closed")]
    private partial void LogClosed(string tunnel);

    [LoggerMessage(EventId = 114, Level = LogLevel.Warning, Message = "Tunnel {Tunnel}: the kernel refuses {Offload}; going on without it, slower")]
    private partial void LogOffloadOff(string tunnel, string offload);

    [LoggerMessage(EventId = 113, Level = LogLevel.Error, Message = "Data thread {Thread} met a bug; its tunnel is opened anew")]
    private partial void LogBug(Exception exception, string thread);
}

/// <summary>What of a tunnel's status depends on its device and socket.</summary>
internal sealed record PortsStatus(
    TunnelState State, string Name, ushort ListenPort, int Mtu, ImmutableArray<LinkProblem> LinkProblems, ImmutableArray<string> Offloads,
    string? Cause, string? Remedy, DateTimeOffset? NextAttempt);
