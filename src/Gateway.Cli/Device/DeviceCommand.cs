using System.CommandLine;
using Gateway.Engine;

namespace Gateway.Cli.Device;

/// <summary><c>gateway device NAME</c>: the arguments of wireguard-go.</summary>
internal static class DeviceCommand
{
    public const string Details = """
        It makes the device NAME and listens on /var/run/wireguard/NAME.sock. Without -f it returns when both are ready and runs on in the
        background. It ends when the device is deleted (ip link del), the socket's file is removed, or on SIGTERM and SIGINT.

        Environment: LOG_LEVEL = verbose, debug, info, error or silent; WG_PROCESS_FOREGROUND=1 is the same as -f.
        Called through a link named wireguard-go, or by wg-quick as WG_QUICK_USERSPACE_IMPLEMENTATION, "device" may be left out.
        Exit codes: 0 ended as asked, or ready in the background; 1 could not start; 2 wrong arguments.
        """;

    public static Command Build()
    {
        var name = new Argument<string>("NAME") { Description = "The device's name, at most 15 characters, or a pattern such as wg%d." };
        name.Validators.Add(result =>
        {
            var given = result.Tokens is [var token] ? token.Value : "";
            if (given.StartsWith('-')) result.AddError($"Unknown option {given}.");
            else if (!WgQuickValues.IsDeviceName(given)) result.AddError($"\"{given}\" is no device name: 1 to 15 characters without /, : and spaces are, with at most one %d.");
        });
        var foreground = new Option<bool>("--foreground", "-f") { Description = "Stay in the foreground instead of going to the background when ready." };
        var command = new Command("device", "Run a WireGuard device that wg and wg-quick configure: a drop-in for wireguard-go.")
        {
            name,
            foreground,
        };
        command.SetAction((result, _) => DeviceRunner.RunAsync(
            result.GetRequiredValue(name), result.GetValue(foreground) || Environment.GetEnvironmentVariable("WG_PROCESS_FOREGROUND") == "1"));
        return command;
    }
}
