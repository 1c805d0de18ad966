using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Gateway.Cli.Output;

/// <summary>Logs for a person at a terminal: the time, the sentence, and a word before it where something is wrong.</summary>
internal sealed class PlainFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "plain";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        textWriter.Write(time.GetLocalNow().ToString("HH:mm:ss ", System.Globalization.CultureInfo.InvariantCulture));
        if (logEntry.LogLevel == LogLevel.Warning) textWriter.Write("warning: ");
        if (logEntry.LogLevel >= LogLevel.Error) textWriter.Write("error: ");
        textWriter.Write(logEntry.Formatter(logEntry.State, logEntry.Exception));
        if (logEntry.Exception is { } exception) textWriter.Write($" ({exception.GetType().Name}: {exception.Message})");
        textWriter.WriteLine();
    }
}

/// <summary>Makes the loggers of a command.</summary>
internal static class Logs
{
    /// <summary>Everything from <paramref name="level"/> on, to standard error; what the layers below say themselves only from <paramref name="below"/> on.</summary>
    public static ILoggerFactory Create(LogLevel level, LogLevel below) => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(level);
        builder.AddFilter("Gateway", below);
        builder.AddConsole(options =>
        {
            options.FormatterName = PlainFormatter.FormatterName;
            options.LogToStandardErrorThreshold = LogLevel.Trace;
        });
        Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton<ConsoleFormatter>(builder.Services, new PlainFormatter(TimeProvider.System));
    });
}
