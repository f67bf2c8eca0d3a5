// Questions to the server.

export const SILENT = "The server does not answer: it may have been stopped. Start it again, and go on.";

/** Ask one of the server's functions; silence becomes `{error: sentence}`, as a refusal is. */
export async function ask(answer, question) {
  try {
    return (await answer(question)) ?? { error: SILENT }; // Gradio gives nothing where it could not connect
  } catch {
    return { error: SILENT };
  }
}
