using Gateway.Contracts;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Gateway.Web;

/// <summary>Turns failures into problem details (RFC 9457).</summary>
internal static class Problems
{
    public static ProblemHttpResult ToProblem(this Failure failure) => TypedResults.Problem(
        failure.Detail,
        statusCode: (int)failure.Kind,
        title: Title((int)failure.Kind),
        type: Type((int)failure.Kind),
        extensions: new Dictionary<string, object?> { ["errors"] = failure.Errors });

    /// <summary>The document by itself, for an answer that is not of the API's own pipeline.</summary>
    public static ApiProblem Of(int status, string detail) => new() { Type = Type(status), Title = Title(status), Status = status, Detail = detail };

    /// <summary>Gives problems that the framework makes by itself (401, 404, 405, …) the same type and title.</summary>
    public static void Complete(ProblemDetailsContext context)
    {
        var status = context.ProblemDetails.Status ?? context.HttpContext.Response.StatusCode;
        context.ProblemDetails.Type = Type(status);
        context.ProblemDetails.Title = Title(status);
        context.ProblemDetails.Extensions.Remove("traceId");
        context.ProblemDetails.Extensions.TryAdd("errors", Array.Empty<FieldError>());
        context.ProblemDetails.Detail ??= status switch
        {
            401 when context.HttpContext.Request.Headers.Authorization.ToString().StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) =>
                "The token sent is not known here, was revoked or has expired. The first token is in the file api-token of the data directory.",
            401 => "Send the header 'Authorization: Bearer TOKEN'. The first token is in the file api-token of the data directory.",
            404 => $"There is nothing at {context.HttpContext.Request.Path}. The API page at /swagger lists what there is.",
            405 => $"{context.HttpContext.Request.Method} is not allowed here. The header Allow lists what is.",
            _ => null,
        };
    }

    private static string Type(int status) => $"urn:gateway:problem:{Title(status).ToLowerInvariant().Replace(' ', '-')}";

    private static string Title(int status) => status switch
    {
        400 => "Malformed",
        401 => "Not authorised",
        403 => "Forbidden",
        404 => "Not found",
        405 => "Method not allowed",
        406 => "Not acceptable",
        409 => "Conflict",
        412 => "Changed meanwhile",
        413 => "Too large",
        415 => "Unsupported type",
        422 => "Rule broken",
        429 => "Too many attempts",
        503 => "Unavailable",
        _ => "Unexpected error",
    };
}

/// <summary>What is left of exceptions: unreadable parameters, a database that fails, and bugs. None shows its inside to callers.</summary>
internal sealed partial class ExceptionProblems(ILogger<ExceptionProblems> logger, IProblemDetailsService problems) : IExceptionHandler
{
    public ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var (status, detail) = exception switch
        {
            BadHttpRequestException bad => (bad.StatusCode, bad.Message),
            DbUpdateException { InnerException: SqliteException sqlite } => (503, DatabaseSentence(sqlite)),
            SqliteException sqlite => (503, DatabaseSentence(sqlite)),
            _ => (500, "An unexpected error; the gateway's log has it."),
        };
        if (status == 500) LogUnexpected(httpContext.Request.Method, httpContext.Request.Path, exception);
        if (status == 503) LogDatabase(detail);
        httpContext.Response.StatusCode = status;
        return problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = { Status = status, Detail = detail } });
    }

    internal static string DatabaseSentence(SqliteException exception) => exception.SqliteErrorCode switch
    {
        8 => "The database is read-only: nothing was changed. Make the data directory and its files writable for the gateway's user.",
        13 => "The disk of the database is full: nothing was changed. Free some space.",
        5 or 6 => "The database is locked by another process: nothing was changed. Close what has it open and try again.",
        14 => "The database cannot be opened. Make the data directory and its files readable and writable for the gateway's user.",
        11 or 26 => "The database file is damaged or is none. Restore it from a backup.",
        _ => $"The database failed (SQLite error {exception.SqliteErrorCode}): nothing was changed.",
    };

    [LoggerMessage(EventId = 1101, Level = LogLevel.Error, Message = "Unexpected error at {Method} {Path}")]
    private partial void LogUnexpected(string method, string path, Exception exception);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Error, Message = "{Sentence}")]
    private partial void LogDatabase(string sentence);
}
