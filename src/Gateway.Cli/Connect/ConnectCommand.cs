using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Gateway.Engine;

namespace Gateway.Cli.Connect;

/// <summary><c>gateway connect</c>: its arguments.</summary>
internal static class ConnectCommand
{
    public const string Details = """
        gateway connect FILE.conf
        gateway connect --plain 10.0.2.8:9090 --address 192.168.53.99/24 --route 192.168.60.0/24

        AllowedIPs become routes. PreUp, PostUp, PreDown and PostDown are never run and listed at the start. DNS is set through systemd-resolved or resolvconf
        where one is there. A file that comes from a Gateway is followed: routes, MTU and DNS change while connected.
        Exit codes: 0 ended by a signal; 1 could not start; 2 wrong arguments or a mistake in the file, nothing was changed.
        """;

    public static Command Build()
    {
        var file = new Argument<string?>("FILE.conf") { Description = "A WireGuard configuration as wg-quick reads it.", Arity = ArgumentArity.ZeroOrOne };
        var plain = Option<WgQuickEndpoint>("--plain", "HOST:PORT", "Instead of a file: send raw packets in UDP datagrams there, as the VPN tunneling lab does. No security.",
            text => WgQuickValues.TryParseEndpoint(text, out var value) ? value : null, "is no endpoint; 10.0.2.8:9090 or [2001:db8::1]:9090 would be");
        var address = ListOption<InterfaceAddress>("--address", "ADDRESS/LENGTH", "An address of the device; may be repeated. Only with --plain.",
            text => WgQuickValues.TryParseInterfaceAddress(text, lengthOptional: false, out var value) ? value : null, "is no address with its prefix length; 192.168.53.99/24 would be");
        var route = ListOption<Prefix>("--route", "PREFIX", "A network behind the tunnel; may be repeated. Only with --plain.",
            text => WgQuickValues.TryParsePrefix(text, lengthOptional: false, out var value) ? new Prefix(value) : null, "is no prefix; 192.168.60.0/24 would be");
        var tap = new Option<bool>("--tap") { Description = "Carry Ethernet frames (TAP) instead of IP packets. Only with --plain." };
        var listenPort = NumberOption("--listen-port", "PORT", "The local UDP port; without it any free one. Only with --plain.", 0, ushort.MaxValue);
        var name = Option<string>("--name", "NAME", "The device's name, or a pattern such as zhang%d. Without it the file's name, or tun%d (tap%d).",
            text => WgQuickValues.IsDeviceName(text) ? text : null, "is no device name; 1 to 15 characters without /, : and spaces are, with at most one %d");
        var mtu = NumberOption("--mtu", "BYTES", "The device's MTU; without it the file's, or 1420.", 576, 65535);
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Also log each renewed handshake." };

        var command = new Command("connect", "Connect to a WireGuard peer or gateway, in the foreground, until SIGINT (Ctrl+C) or SIGTERM.")
        {
            file, plain, address, route, tap, listenPort, name, mtu, verbose,
        };
        command.Validators.Add(result =>
        {
            // What is no option of ours arrives as the file.
            if (result.GetResult(file) is { Tokens: [{ Value: ['-', ..] unknown }] })
            {
                result.AddError($"Unknown option {unknown}.");
                return;
            }

            var (hasFile, hasPlain) = (result.GetResult(file) is { Tokens.Count: > 0 }, result.GetResult(plain) is not null);
            if (hasFile == hasPlain) result.AddError(hasFile ? "FILE.conf and --plain exclude each other: give one of them." : "Give a FILE.conf, or --plain HOST:PORT.");
            foreach (var option in (Option[])[address, route, tap, listenPort])
            {
                if (hasFile && result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} goes with --plain only; a file says it itself.");
            }
        });
        command.SetAction((result, cancellationToken) =>
        {
            var (wantedName, wantedMtu) = (result.GetValue(name), result.GetValue(mtu));
            var plan = result.GetValue(plain) is { } endpoint
                ? ConnectPlan.Plain(endpoint, wantedName ?? (result.GetValue(tap) ? "tap%d" : "tun%d"), result.GetValue(tap), wantedMtu, (ushort)(result.GetValue(listenPort) ?? 0),
                    result.GetValue(address) ?? [], [.. (result.GetValue(route) ?? []).Select(r => r.Network)])
                : ConnectFile.Read(result.GetValue(file)!, wantedName, wantedMtu);
            return ConnectRunner.RunAsync(plan, result.GetValue(verbose));
        });
        return command;
    }

    // System.CommandLine asks for a type of its own where null means "not given".
    private sealed record Prefix(IPNetwork Network);

    private static Option<T?> Option<T>(string name, string helpName, string description, Func<string, T?> read, string complaint)
        where T : class => new(name)
        {
            HelpName = helpName,
            Description = description,
            CustomParser = result => Read(result, result.Tokens[0].Value, read, complaint),
        };

    private static Option<ImmutableArray<T>?> ListOption<T>(string name, string helpName, string description, Func<string, T?> read, string complaint)
        where T : class => new(name)
        {
            HelpName = helpName,
            Description = description,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
            CustomParser = result => [.. result.Tokens.Select(t => Read(result, t.Value, read, complaint)).OfType<T>()],
        };

    private static Option<int?> NumberOption(string name, string helpName, string description, uint minimum, uint maximum) => new(name)
    {
        HelpName = helpName,
        Description = description,
        CustomParser = result =>
        {
            if (WgQuickValues.TryParseNumber(result.Tokens[0].Value, maximum, out var number) && number >= minimum) return (int)number;
            result.AddError($"{name} \"{result.Tokens[0].Value}\" is out of range; {minimum} to {maximum} are possible.");
            return null;
        },
    };

    private static T? Read<T>(ArgumentResult result, string text, Func<string, T?> read, string complaint)
        where T : class
    {
        var value = read(text);
        if (value is null) result.AddError($"{(result.Parent as OptionResult)?.Option.Name} \"{text}\" {complaint}.");
        return value;
    }
}
